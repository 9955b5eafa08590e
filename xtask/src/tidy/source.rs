//! The text files of the checkout, with Rust code told apart from its comments, strings and tests.

use std::ops::Range;
use std::path::Path;

use super::mask::mask;
use crate::failure::{Doing, Failure};

/// Folders that hold nothing of ours.
const NOT_OURS: &[&str] = &[".git", "target", "node_modules"];

/// A larger file is data, not text to be read.
const SIZE_LIMIT: u64 = 1 << 20;

/// One text file.
pub(super) struct Source {
    /// Path below the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// For Rust: the text with every comment and literal blanked, byte for byte the same length. Empty otherwise.
    pub(super) code: String,
    /// Byte ranges of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
}

impl Source {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Source {
        let (path, text) = (path.into(), text.into());
        let code = if path.ends_with(".rs") {
            mask(&text)
        } else {
            String::new()
        };
        let tests = test_items(&code);
        Source {
            path,
            text,
            code,
            tests,
        }
    }

    /// Whether this is Rust.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the byte belongs to test code: a test file, or an item under `#[cfg(test)]`.
    pub(super) fn is_test(&self, at: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|range| range.contains(&at))
    }

    /// Whether the whole file is test code by its place.
    pub(super) fn is_test_file(&self) -> bool {
        let folder = self
            .path
            .split('/')
            .any(|part| matches!(part, "tests" | "benches" | "examples"));
        folder || self.path.starts_with("testing/world/") || self.path.ends_with("/tests.rs")
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Places where `pattern` stands in the code as words of its own: no letter, digit or `_` runs on at an end of it that is one.
    pub(super) fn find<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = usize> + 'a {
        let within = self.code.as_str();
        within
            .match_indices(pattern)
            .map(|(at, _)| at)
            .filter(move |at| is_word(within, *at, pattern))
    }
}

/// Whether the match at this place is not a part of a longer word.
pub(super) fn is_word(text: &str, at: usize, pattern: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let runs_on = |inside: Option<char>, outside: Option<char>| {
        inside.is_some_and(part) && outside.is_some_and(part)
    };
    let before = text.get(..at).and_then(|head| head.chars().next_back());
    let after = text
        .get(at + pattern.len()..)
        .and_then(|tail| tail.chars().next());
    !runs_on(pattern.chars().next(), before) && !runs_on(pattern.chars().next_back(), after)
}

/// Reads every text file of the checkout; files that are not UTF-8 are not text.
pub(super) fn load(root: &Path) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).doing(format_args!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry.doing(format_args!("reading {}", folder.display()))?;
            let meta = entry
                .path()
                .symlink_metadata()
                .doing(format_args!("reading {}", entry.path().display()))?;
            if meta.is_dir() {
                if !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                    folders.push(entry.path());
                }
                continue;
            }
            let text = if meta.is_file() && meta.len() <= SIZE_LIMIT {
                std::fs::read_to_string(entry.path()).ok()
            } else {
                None
            };
            if let (Some(text), Ok(path)) = (text, entry.path().strip_prefix(root)) {
                sources.push(Source::new(path.to_string_lossy(), text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Ranges from `#[cfg(test)]` to the end of the item that it stands on.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let starts = code.match_indices("#[cfg(test)]").map(|(at, _)| at);
    starts.map(|start| start..item_end(code, start)).collect()
}

/// The end of the first braced block after `start`, or of a statement that has none.
pub(super) fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_module_ends_with_its_brace() {
        let source = Source::new(
            "crates/a/src/b.rs",
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { '}' }\n}\nfn c() {}\n",
        );
        let places =
            ["fn a", "fn b", "fn c"].map(|name| source.is_test(source.text.find(name).unwrap()));
        assert_eq!(places, [false, true, false]);
    }

    #[test]
    fn places_of_test_files() {
        let rows = [
            ("crates/a/tests/b.rs", true),
            ("crates/a/src/b/tests.rs", true),
            ("testing/world/src/lib.rs", true),
            ("crates/a/src/contests.rs", false),
            ("xtask/src/test.rs", false),
        ];
        for (path, expected) in rows {
            assert_eq!(Source::new(path, "").is_test_file(), expected, "{path}");
        }
    }

    #[test]
    fn words_are_found_whole_and_only_in_code() {
        let source = Source::new(
            "a.rs",
            "sleep(); // sleep\nlet asleep = \"sleep\"; x.sleep()",
        );
        assert_eq!(
            source
                .find("sleep")
                .map(|at| source.line(at))
                .collect::<Vec<_>>(),
            [1, 2]
        );
    }

    #[test]
    fn this_checkout_can_be_loaded() {
        let sources = load(crate::workspace::root()).unwrap();
        assert!(
            sources
                .iter()
                .any(|source| source.path == "xtask/src/tidy/source.rs")
        );
        assert!(
            !sources
                .iter()
                .any(|source| source.path.starts_with("target/"))
        );
    }
}
