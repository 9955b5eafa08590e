//! Bundles: one file made of many, of which most are other people's.
//!
//! Bundlers that do not minify say before each part where it came from. What came from a dependency is blanked, so that
//! the author's own parts are read, every place keeps its line, and names of dependencies are names from outside again.

/// Parts of dependencies that make a file a bundle.
const MIN_FOREIGN: usize = 3;

/// A file larger than this that does not say where its parts came from is nobody's own writing, in bytes.
const MAX_OWN_BYTES: usize = 1024 * 1024;

/// Most of its author's parts that is read of a bundle, in bytes: what bundlers put around them is among them.
const MAX_PARTS_BYTES: usize = 2 * 1024 * 1024;

/// What of a file is its author's.
pub(super) enum Own {
    /// All of it.
    Whole,
    /// This: the file with the parts of dependencies blanked.
    Parts(String),
    /// It can't be said.
    Unknown,
}

pub(super) fn own(text: &str) -> Own {
    let foreign = text
        .lines()
        .filter(|line| origin(line).is_some_and(is_foreign))
        .count();
    if foreign >= MIN_FOREIGN {
        let (parts, own) = blank(text);
        return if own > MAX_PARTS_BYTES {
            Own::Unknown
        } else {
            Own::Parts(parts)
        };
    }
    if text.len() > MAX_OWN_BYTES {
        return Own::Unknown;
    }
    Own::Whole
}

/// The text with the parts of dependencies blanked, and how many bytes of it were left.
fn blank(text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len());
    let mut own = 0;
    let mut skipping = false;
    for line in text.split_inclusive('\n') {
        if let Some(path) = origin(line) {
            skipping = is_foreign(path);
        } else if line.starts_with("//#endregion") {
            skipping = false;
        }
        if skipping {
            let ends = usize::from(line.ends_with('\n'));
            out.extend(std::iter::repeat_n(' ', line.len() - ends));
            out.extend(std::iter::repeat_n('\n', ends));
        } else {
            own += line.len();
            out.push_str(line);
        }
    }
    (out, own)
}

/// The path that a line names as the origin of what follows: `// src/a.ts`, `//#region src/a.ts`.
fn origin(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("//#region ")
        .or_else(|| line.strip_prefix("// "))?;
    let path = rest.trim_end();
    let ends = [
        ".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx", ".json",
    ];
    let is_path =
        !path.contains(' ') && path.contains('/') && ends.iter().any(|end| path.ends_with(end));
    is_path.then_some(path)
}

fn is_foreign(path: &str) -> bool {
    path.contains("node_modules/")
}

#[cfg(test)]
mod tests {
    use super::{MAX_PARTS_BYTES, MIN_FOREIGN, Own, own};

    #[test]
    fn parts_of_dependencies_are_blanked_and_lines_stay() {
        let text = "// node_modules/a/a.js\nvar a = 1;\n// node_modules/b/b.js\nvar b = \"é\";\n// node_modules/c/c.js\nvar c;\n// src/own.ts\nrun(a, b, c);\n";
        let Own::Parts(parts) = own(text) else {
            panic!("a bundle is known by its comments");
        };
        assert_eq!(parts.len(), text.len());
        assert_eq!(parts.lines().nth(7), Some("run(a, b, c);"));
        assert!(!parts.contains("var b"));
    }

    #[test]
    fn a_large_file_without_origins_is_unknown() {
        let text = "let x = 1;\n".repeat(120_000);
        assert!(matches!(own(&text), Own::Unknown));
        assert!(matches!(own("let x = 1;\n"), Own::Whole));
    }

    #[test]
    fn what_is_left_of_a_bundle_has_a_limit() {
        let foreign = "// node_modules/a/a.js\n".repeat(MIN_FOREIGN);
        let foreign = foreign + &"let a;\n".repeat(2_000);
        let of = |bytes: usize| own(&format!("{foreign}// src/a.ts\n{}", " ".repeat(bytes)));
        let comment = "// src/a.ts\n".len();
        assert!(matches!(of(MAX_PARTS_BYTES - comment), Own::Parts(_)));
        assert!(matches!(of(MAX_PARTS_BYTES - comment + 1), Own::Unknown));
    }
}
