//! Which files are read, within bounds.

mod ignored;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::gitignore::Gitignore;
use ignore::overrides::{Override, OverrideBuilder};

use self::ignored::Odd;
use super::{AnalysisError, Unanalysable, tracked};
use crate::bounded;
use crate::extract::{MAX_FILE_BYTES, manifest};
use crate::facts::{Language, Name, Why};
use crate::settings::{Settings, matcher};

/// Most files of one analysis.
pub const MAX_FILES: usize = 50_000;

/// Most bytes of one analysis.
pub const MAX_TOTAL_BYTES: u64 = 256 * 1024 * 1024;

/// Most refused files that are named; the others are counted.
const MAX_REFUSED: usize = 1_000;

/// Deepest folder below a given path.
const MAX_FOLDERS: usize = 40;

/// Folders of other people's code.
const FOREIGN: &[&str] = &[
    "node_modules",
    ".git",
    "vendor",
    "_vendor",
    "third_party",
    "target",
    "site-packages",
    ".venv",
    "venv",
    "__pycache__",
];

/// What was collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) sources: Vec<(Name, String)>,
    pub(super) manifests: Vec<(Name, String)>,
    pub(super) refused: Vec<Unanalysable>,
    /// How many more were refused than are named.
    pub(super) unlisted: usize,
    /// Names of given folders that are packages of Python: under these their modules import each other.
    pub(super) packages: Vec<Name>,
}

/// Which sources are read.
struct Wanted<'s> {
    languages: &'s [Language],
    include: Gitignore,
}

impl Wanted<'_> {
    fn is_source(&self, path: &str) -> bool {
        let is_included = self.include.is_empty()
            || self
                .include
                .matched_path_or_any_parents(path, false)
                .is_ignore();
        ![".d.ts", ".d.mts", ".d.cts"]
            .iter()
            .any(|declares| path.ends_with(declares))
            && Language::of_path(path).is_some_and(|language| self.languages.contains(&language))
            && is_included
    }
}

impl Collected {
    /// Adds a text under its path.
    pub(super) fn text(&mut self, path: Name, text: String) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if manifest::is_manifest(name) {
            self.manifests.push((path, text));
        } else {
            self.sources.push((path, text));
        }
    }

    /// Reads a file, if it is a source or a manifest; `bytes` counts what was read before.
    fn file(&mut self, file: &Path, path: Name, wanted: &Wanted<'_>, bytes: &mut u64) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if !wanted.is_source(&path) && !manifest::is_manifest(name) {
            return;
        }
        let size = std::fs::symlink_metadata(file).map_or(0, |meta| meta.len());
        let limit = if size > MAX_FILE_BYTES {
            Some(Why::TooLarge(MAX_FILE_BYTES))
        } else if self.sources.len() + self.manifests.len() >= MAX_FILES {
            Some(Why::TooMany(MAX_FILES))
        } else if *bytes + size > MAX_TOTAL_BYTES {
            Some(Why::TooMuchInAll(MAX_TOTAL_BYTES))
        } else {
            None
        };
        if let Some(why) = limit {
            self.refuse(&path, &why);
            return;
        }
        match bounded::read(file, MAX_FILE_BYTES) {
            Ok(None) => self.refuse(&path, &Why::TooLarge(MAX_FILE_BYTES)),
            Ok(Some(content)) => {
                *bytes += size;
                match String::from_utf8(content) {
                    Ok(text) => self.text(path, text),
                    Err(_) => self.refuse(&path, &Why::NotText),
                }
            }
            Err(error) => self.refuse(&path, &Why::Io(error.to_string())),
        }
    }

    fn refuse(&mut self, path: &Name, why: &Why) {
        if self.refused.len() >= MAX_REFUSED {
            self.unlisted += 1;
            return;
        }
        self.refused.push(Unanalysable {
            file: path.to_string(),
            why: why.to_string(),
        });
    }
}

impl Collected {
    /// Says how many refused files are not named.
    fn tell_unlisted(&mut self) {
        if self.unlisted > 0 {
            let unlisted = self.unlisted;
            self.refused.push(Unanalysable {
                file: format!("{unlisted} more"),
                why: format!("only the first {MAX_REFUSED} that can't be read are named"),
            });
        }
    }
}

pub(super) fn collect(paths: &[PathBuf], settings: &Settings) -> Result<Collected, AnalysisError> {
    let mut collected = Collected::default();
    let mut bytes: u64 = 0;
    let wanted = Wanted {
        languages: &settings.languages,
        include: matcher(&settings.include)?,
    };
    for root in paths {
        let meta = std::fs::metadata(root).map_err(|source| AnalysisError::Path {
            path: root.display().to_string(),
            source,
        })?;
        let base = if meta.is_file() {
            root.parent().unwrap_or(Path::new(""))
        } else {
            root
        };
        if meta.is_dir() && root.join("__init__.py").is_file() {
            let whole = std::fs::canonicalize(root).unwrap_or_else(|_| root.clone());
            let name = whole.file_name().unwrap_or_default();
            collected.packages.push(Name::from(name.to_string_lossy()));
        }
        let mut overrides = OverrideBuilder::new(base);
        for glob in &settings.exclude {
            overrides
                .add(&format!("!{glob}"))
                .map_err(|error| AnalysisError::Glob {
                    glob: glob.clone(),
                    why: error.to_string(),
                })?;
        }
        let mut walk = WalkBuilder::new(root);
        walk.follow_links(false)
            .max_depth(Some(MAX_FOLDERS))
            .require_git(false)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .hidden(true);
        // Published packages ignore what they ship: `dist` in the author's `.gitignore`. So does what was taken out of a repository:
        // where git keeps nothing, everything was kept by its authors, whatever the file says.
        let is_npm = root.join("package.json").exists();
        let kept = if is_npm || meta.is_file() {
            Vec::new()
        } else {
            tracked::below(base)
        };
        let obeys = !kept.is_empty();
        walk.git_ignore(obeys).ignore(obeys);
        let odd = Odd::default();
        if obeys && odd.keeps_out(root) {
            odd.tell(base, &mut collected);
            continue;
        }
        let found = odd.clone();
        walk.filter_entry(move |entry| {
            let name = entry.file_name().to_string_lossy();
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            !(FOREIGN.contains(&&*name) || obeys && is_folder && found.keeps_out(entry.path()))
        });
        let overrides = overrides.build().unwrap_or_else(|_| Override::empty());
        walk.overrides(overrides.clone());
        let mut seen = HashSet::new();
        for entry in walk.build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    collected.refuse(&unreached(&error, root, base), &why_unreached(&error));
                    continue;
                }
            };
            let kind = entry.file_type();
            let is_last = entry.depth() == MAX_FOLDERS && kind.is_some_and(|kind| kind.is_dir());
            if !is_last && !kind.is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let path = relative(entry.path(), base);
            if is_last {
                collected.refuse(&path, &Why::TooFar(MAX_FOLDERS));
                continue;
            }
            collected.file(entry.path(), path.clone(), &wanted, &mut bytes);
            seen.insert(path);
        }
        for inner in kept {
            let path = Name::from(inner.to_string_lossy().replace('\\', "/"));
            if !seen.contains(&path) && is_own(&path) && is_plain(base, &inner, &overrides) {
                collected.file(&base.join(&inner), path, &wanted, &mut bytes);
            }
        }
        odd.tell(base, &mut collected);
    }
    collected.tell_unlisted();
    Ok(collected)
}

fn relative(path: &Path, base: &Path) -> Name {
    let relative = path.strip_prefix(base).unwrap_or(path);
    Name::from(relative.to_string_lossy().replace('\\', "/"))
}

/// Whether a path is neither hidden nor in a folder of other people's code.
fn is_own(path: &str) -> bool {
    path.split('/').count() <= MAX_FOLDERS
        && !path
            .split('/')
            .any(|part| part.starts_with('.') || FOREIGN.contains(&part))
}

/// Whether a file stands below a folder without a symbolic link on the way, and is not left out.
fn is_plain(base: &Path, inner: &Path, overrides: &Override) -> bool {
    let mut at = base.to_path_buf();
    let mut kind = None;
    for part in inner.components() {
        at.push(part);
        kind = std::fs::symlink_metadata(&at)
            .ok()
            .map(|meta| meta.file_type());
        let leaves = kind.is_none_or(|kind| kind.is_symlink());
        if leaves
            || overrides
                .matched(&at, kind.is_some_and(|kind| kind.is_dir()))
                .is_ignore()
        {
            return false;
        }
    }
    kind.is_some_and(|kind| kind.is_file())
}

/// The folder or file that a walk could not enter.
fn unreached(error: &ignore::Error, root: &Path, base: &Path) -> Name {
    let path = match error {
        ignore::Error::WithPath { path, .. } => path,
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            return unreached(err, root, base);
        }
        ignore::Error::Loop { child, .. } => child,
        ignore::Error::Partial(_)
        | ignore::Error::Io(_)
        | ignore::Error::Glob { .. }
        | ignore::Error::UnrecognizedFileType(_)
        | ignore::Error::InvalidDefinition => root,
    };
    relative(path, base)
}

fn why_unreached(error: &ignore::Error) -> Why {
    let reason = error.io_error().map(ToString::to_string);
    Why::Io(reason.unwrap_or_else(|| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_files_past_the_limit_are_counted() {
        let mut collected = Collected::default();
        for _ in 0..MAX_REFUSED + 2 {
            collected.refuse(&Name::from("a.ts"), &Why::NotText);
        }
        assert_eq!(collected.refused.len(), MAX_REFUSED);
        collected.tell_unlisted();
        assert_eq!(collected.refused.len(), MAX_REFUSED + 1);
        assert_eq!(collected.refused[MAX_REFUSED].file, "2 more");
    }

    #[test]
    fn manifests_count_as_files() {
        let settings = Settings::default();
        let wanted = Wanted {
            languages: &settings.languages,
            include: matcher(&settings.include).unwrap(),
        };
        let folder = std::env::temp_dir().join(format!("dropgate-collect-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("package.json");
        std::fs::write(&file, "{}").unwrap();
        let mut collected = Collected::default();
        for _ in 0..MAX_FILES - 1 {
            collected.text(Name::from("package.json"), String::new());
        }
        for _ in 0..2 {
            collected.file(&file, Name::from("package.json"), &wanted, &mut 0);
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(collected.manifests.len(), MAX_FILES);
        assert_eq!(collected.refused.len(), 1);
    }

    #[test]
    fn declarations_are_no_sources() {
        let settings = Settings::default();
        let wanted = Wanted {
            languages: &settings.languages,
            include: matcher(&settings.include).unwrap(),
        };
        for path in ["a.d.ts", "a.d.mts", "a.d.cts"] {
            assert!(!wanted.is_source(path), "{path}");
        }
        assert!(wanted.is_source("a.mts"));
    }

    #[test]
    fn a_folder_that_can_not_be_entered_is_told() {
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = ignore::Error::WithDepth {
            depth: 1,
            err: Box::new(ignore::Error::WithPath {
                path: PathBuf::from("/tree/src"),
                err: Box::new(ignore::Error::Io(denied)),
            }),
        };
        let root = Path::new("/tree");
        assert_eq!(&*unreached(&error, root, root), "src");
        assert!(why_unreached(&error).to_string().contains("denied"));
    }
}
