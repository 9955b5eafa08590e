//! What kind of code a file is, by its path.

use crate::finding::Surface;

const TESTS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "testing",
    "testUtils",
    "testutils",
    "test-utils",
    "test_utils",
    "spec",
    "specs",
    "e2e",
    "examples",
    "example",
    "benchmarks",
    "bench",
    "benches",
    "fixtures",
    "mocks",
    "__mocks__",
    "testdata",
    "samples",
    "demo",
    "demos",
];

const INSTALL: &[&str] = &[
    "scripts",
    "script",
    "install",
    "tools-dev",
    "ci",
    ".github",
    "docs",
    "website",
];

/// The surface of a file.
pub fn of(path: &str) -> Surface {
    let mut folders: Vec<&str> = path.split('/').collect();
    let file = folders.pop().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let tests = folders.iter().any(|folder| is_of_tests(folder))
        || file.contains(".test.")
        || file.contains(".spec.")
        || stem.ends_with("_test")
        || stem.starts_with("test_")
        || stem == "conftest";
    let install = folders
        .first()
        .is_some_and(|folder| INSTALL.contains(folder))
        || matches!(
            stem,
            "postinstall" | "preinstall" | "setup" | "build" | "install"
        );
    if tests {
        Surface::Tests
    } else if install {
        Surface::Install
    } else {
        Surface::Runtime
    }
}

/// Whether a folder is of tests or examples: by its name, or as one kind of them, such as `accuracy-tests`.
fn is_of_tests(folder: &str) -> bool {
    let kind = folder.rsplit(['-', '_']).next().unwrap_or_default();
    TESTS.contains(&folder) || matches!(kind, "test" | "tests")
}
