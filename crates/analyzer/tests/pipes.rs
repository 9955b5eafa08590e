//! What is no plain file is neither waited for nor read without end.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use std::path::{Path, PathBuf};

use dropgate_analyzer::{Analysis, Settings, analyze};
use rustix::fs::{CWD, Mode, mkfifoat};

struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let name = format!("dropgate-pipes-{name}-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        std::fs::create_dir_all(root.join("inner")).expect("a folder");
        std::fs::write(root.join("inner/plain.py"), "print(1)\n").expect("a file");
        Self(root)
    }

    fn pipe(&self, name: &str) {
        mkfifoat(CWD, self.0.join(name), Mode::RUSR).expect("a pipe");
    }

    /// Makes it a checkout of a repository that keeps one file: only then is any `.gitignore` obeyed.
    fn keep(&self, name: &str) {
        let mut index = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
        index.extend([0; 60]);
        index.extend(
            u16::try_from(name.len())
                .expect("a short name")
                .to_be_bytes(),
        );
        index.extend(name.as_bytes());
        index.extend([0; 8]);
        std::fs::create_dir_all(self.0.join(".git")).expect("a folder");
        std::fs::write(self.0.join(".git/index"), index).expect("a file");
    }

    fn analyze(&self) -> Analysis {
        of(&self.0)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn of(path: &Path) -> Analysis {
    analyze(&[path.to_owned()], &Settings::default()).expect("an analysis")
}

fn refused(analysis: &Analysis) -> Vec<&str> {
    let files = analysis.unanalysable.iter();
    files.map(|refused| refused.file.as_str()).collect()
}

#[test]
fn a_pipe_with_the_name_of_a_source_is_not_opened() {
    let tree = Tree::new("source");
    tree.pipe("server.py");
    tree.pipe("package.json");
    assert_eq!(tree.analyze().analysed.files, 1);
    assert_eq!(of(&tree.0.join("server.py")).analysed.files, 0);
}

#[test]
fn a_pipe_with_the_name_of_an_ignore_file_keeps_out_of_its_folder() {
    for name in [".gitignore", ".ignore"] {
        let tree = Tree::new(name);
        tree.keep("inner/plain.py");
        tree.pipe(name);
        let analysis = tree.analyze();
        assert_eq!(
            (refused(&analysis), analysis.analysed.files),
            (vec![name], 0)
        );
    }
}

#[test]
fn an_ignore_file_that_is_a_link_keeps_out_of_its_folder_only() {
    let tree = Tree::new("link");
    tree.keep("beside.py");
    let link = tree.0.join("inner/.gitignore");
    std::os::unix::fs::symlink("/dev/zero", link).expect("a link");
    std::fs::write(tree.0.join("beside.py"), "print(2)\n").expect("a file");
    let analysis = tree.analyze();
    assert_eq!(refused(&analysis), ["inner/.gitignore"]);
    assert_eq!(analysis.analysed.files, 1);
    assert!(analysis.score.is_none());
}

#[test]
fn a_package_that_is_not_asked_what_it_ignores_is_read() {
    let tree = Tree::new("npm");
    tree.keep("inner/plain.py");
    std::fs::write(tree.0.join("package.json"), "{}").expect("a file");
    tree.pipe(".gitignore");
    assert_eq!(tree.analyze().analysed.files, 1);
}
