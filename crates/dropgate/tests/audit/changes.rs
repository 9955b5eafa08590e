//! `--diff-base`: findings on changed lines, of a real repository; and which files of one are read.

use std::process::Command;

use crate::place::{BAD, Place, rules};

fn git(place: &Place, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(place.folder())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
}

fn repository() -> Place {
    let place = Place::with("pkg/src/server.ts", BAD);
    git(&place, &["init", "-q", "-b", "main"]);
    git(&place, &["add", "."]);
    git(&place, &["commit", "-qm", "one"]);
    place
}

#[test]
fn only_changed_lines_are_told() {
    let place = repository();
    let unchanged = place.json(&["pkg", "--diff-base", "main"]);
    assert_eq!(rules(&unchanged), Vec::<String>::new());
    assert_eq!(
        place
            .audit(&["pkg", "--diff-base", "main", "--fail-on", "low"])
            .code(),
        0
    );

    git(&place, &["checkout", "-qb", "work"]);
    let more = "process.on('SIGINT', () => process.exit(3));\n";
    place.write("pkg/src/server.ts", format!("// Moved.\n{BAD}{more}"));
    git(&place, &["commit", "-qam", "two"]);
    // What the base did since then is not work of this branch.
    git(&place, &["checkout", "-q", "main"]);
    place.write("pkg/other.txt", "x");
    git(&place, &["add", "."]);
    git(&place, &["commit", "-qm", "three"]);
    git(&place, &["checkout", "-q", "work"]);
    let page = place.json(&["pkg", "--diff-base", "main"]);
    assert_eq!(rules(&page), ["LIFE-002"], "{page}");
    assert_eq!(page["findings"][0]["line"], BAD.lines().count() + 2);

    // Files that git does not know yet are changed as a whole, and so is what is not committed.
    place.write("pkg/src/new.ts", BAD);
    let page = place.json(&["pkg", "--diff-base", "main"]);
    assert!(
        page["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["file"] == "src/new.ts")
    );
    let one_file = place.json(&["pkg/src/server.ts", "--diff-base", "main"]);
    assert_eq!(rules(&one_file), ["LIFE-002"]);
}

#[test]
fn a_renamed_file_has_not_changed() {
    let place = repository();
    git(&place, &["mv", "pkg/src/server.ts", "pkg/src/main.ts"]);
    for _ in ["in the index", "committed"] {
        let page = place.json(&["pkg", "--diff-base", "main"]);
        assert_eq!(rules(&page), Vec::<String>::new(), "{page}");
        git(&place, &["checkout", "-qB", "work"]);
        git(&place, &["commit", "-q", "--allow-empty", "-m", "two"]);
    }
    let more = "process.on('SIGINT', () => process.exit(3));\n";
    place.write("pkg/src/main.ts", format!("// Moved.\n{BAD}{more}"));
    let page = place.json(&["pkg", "--diff-base", "main"]);
    assert_eq!(rules(&page), ["LIFE-002"], "{page}");
    assert_eq!(page["findings"][0]["line"], BAD.lines().count() + 2);

    // A copy is new: what it was copied from is still there.
    place.write("pkg/src/server.ts", BAD);
    let page = place.json(&["pkg", "--diff-base", "main"]);
    assert!(rules(&page).len() > 1, "{page}");
}

#[test]
fn nothing_of_the_repository_is_executed() {
    let place = repository();
    let trap = format!("touch {}/sprung", place.folder().display());
    for key in [
        "core.fsmonitor",
        "filter.x.clean",
        "filter.x.smudge",
        "diff.x.textconv",
        "diff.external",
        "core.pager",
    ] {
        git(&place, &["config", key, &trap]);
    }
    place.write(".gitattributes", "*.ts filter=x diff=x\n");
    place.write("pkg/src/server.ts", format!("{BAD}process.exit(4);\n"));
    let ran = place.audit(&["pkg", "--diff-base", "HEAD"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(!place.folder().join("sprung").exists());
}

#[test]
fn what_is_no_commit_is_refused() {
    let place = repository();
    for base in ["nothing-such", "--output=x", "HEAD:pkg"] {
        let flag = format!("--diff-base={base}");
        let ran = place.audit(&["pkg", &flag]);
        assert_eq!(ran.code(), 2, "{base}");
        assert!(ran.stderr().contains("--diff-base"), "{}", ran.stderr());
        let told = ran.stderr().contains("no commit here has this name");
        assert!(told, "{}", ran.stderr());
    }
    let outside = Place::with("src/server.ts", BAD);
    assert_eq!(outside.audit(&["--diff-base", "main"]).code(), 2);
}

#[test]
fn what_git_keeps_is_read_though_it_is_ignored() {
    // The program's name in `.gitignore`, for what is built, is that of its folder too.
    let place = repository();
    place.write(".gitignore", "server\nbuilt\n");
    place.write("cmd/server/main.ts", BAD);
    git(&place, &["add", "-f", "."]);
    place.write("built/server.ts", BAD);
    let files = |page: &serde_json::Value| page["analysed"]["files"].as_u64().unwrap();
    assert_eq!(files(&place.json(&["."])), 2, "the kept ones");
    assert_eq!(files(&place.json(&["cmd"])), 1);

    // In an archive nothing says what is kept.
    std::fs::remove_dir_all(place.folder().join(".git")).unwrap();
    assert_eq!(files(&place.json(&["."])), 3);
}
