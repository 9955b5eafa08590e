//! What is refused before a parser sees it.

use super::Source;
use crate::facts::{Language, Why};

/// Largest file that is parsed, in bytes.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Stack of a thread that parses, in bytes: enough for [`MAX_BRACKETS`] levels in every parser.
pub const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Deepest nesting of brackets that a parser gets to see.
const MAX_BRACKETS: usize = 400;

/// Most angle brackets that may stand open in one statement: a parser tries each of them twice, as a comparison and as a type.
const MAX_ANGLES: usize = 64;

/// A line of code longer than this is nobody's own writing, in bytes.
const LONG_LINE: usize = 5_000;

/// Lines of a file larger than [`SHORT`] that hold more than this on average are nobody's own writing either, in bytes.
const DENSE_LINE: usize = 400;

/// A file up to this says too little to tell, in bytes.
const SHORT: usize = 8_000;

/// A file is a bundle when lines over [`LONG_LINE`] hold more than this share of it, in percent.
const LONG_SHARE: usize = 30;

/// Why the text must not be parsed, if so.
pub(super) fn refuse(source: &Source<'_>) -> Option<Why> {
    let text = source.text;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Some(Why::TooLarge(MAX_FILE_BYTES));
    }
    if source.language == Language::TypeScript && is_minified(text) {
        return Some(Why::Bundled);
    }
    if source.language == Language::TypeScript && too_many_angles(text) {
        return Some(Why::TooDeep);
    }
    // Python's extractor knows its strings and bounds nesting itself.
    (source.language != Language::Python && too_deep(text)).then_some(Why::TooDeep)
}

fn is_minified(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    if text.len() > SHORT && text.len() > lines * DENSE_LINE {
        return true;
    }
    let long: usize = text
        .lines()
        .map(str::len)
        .filter(|length| *length > LONG_LINE)
        .sum();
    long > 20_000 && long * 100 > text.len() * LONG_SHARE
}

/// Brackets inside strings count as well; they come in pairs often enough, and a false alarm only refuses a file.
fn too_deep(text: &str) -> bool {
    let mut depth: usize = 0;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > MAX_BRACKETS {
                    return true;
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// `f<a<b<c…` without an end: what is open between two ends of statements or brackets.
fn too_many_angles(text: &str) -> bool {
    let mut open: usize = 0;
    let mut before = 0;
    for byte in text.bytes() {
        match byte {
            b'>' => open = open.saturating_sub(1),
            b';' | b'(' | b')' | b'{' | b'}' => open = 0,
            _ if before == b'<' && (byte.is_ascii_alphabetic() || byte == b'<') => {
                open += 1;
                if open > MAX_ANGLES {
                    return true;
                }
            }
            _ => {}
        }
        before = byte;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{MAX_ANGLES, MAX_BRACKETS, refuse};
    use crate::extract::Source;
    use crate::facts::{Language, Name, Why};

    fn refused(text: &str) -> Option<Why> {
        refuse(&Source {
            path: Name::from("a.ts"),
            language: Language::TypeScript,
            text,
        })
    }

    #[test]
    fn dense_lines_are_nobody_s_writing() {
        let dense = "export const a=1;".repeat(1_000);
        assert_eq!(refused(&dense), Some(Why::Bundled));
        assert_eq!(refused(&dense.replace(';', ";\n")), None);
        assert_eq!(refused("export const a=1;"), None);
    }

    #[test]
    fn brackets_are_bounded() {
        assert_eq!(refused(&"(".repeat(MAX_BRACKETS)), None);
        assert_eq!(refused(&"(".repeat(MAX_BRACKETS + 1)), Some(Why::TooDeep));
    }

    #[test]
    fn angles_are_bounded_within_a_statement() {
        assert_eq!(refused(&"<T".repeat(MAX_ANGLES)), None);
        assert_eq!(refused(&"<T".repeat(MAX_ANGLES + 1)), Some(Why::TooDeep));
        assert_eq!(refused(&"a <b;".repeat(MAX_ANGLES * 2)), None);
        assert_eq!(refused(&"<p>text</p>\n".repeat(MAX_ANGLES * 2)), None);
    }
}
