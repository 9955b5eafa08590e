//! What is refused before a parser sees it.

use super::Source;
use crate::facts::{Language, Why};

/// Largest file that is parsed, in bytes.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Stack of a thread that parses, in bytes: enough for [`MAX_BRACKETS`] levels in every parser.
pub const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Deepest nesting of brackets that a parser gets to see.
const MAX_BRACKETS: usize = 400;

/// A line of code longer than this is nobody's own writing, in bytes.
const LONG_LINE: usize = 5_000;

/// A file is a bundle when lines over [`LONG_LINE`] hold more than this share of it, in percent.
const LONG_SHARE: usize = 30;

/// Why the text must not be parsed, if so.
pub(super) fn refuse(source: &Source<'_>) -> Option<Why> {
    let text = source.text;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Some(Why::TooLarge);
    }
    if source.language == Language::TypeScript && is_minified(text) {
        return Some(Why::Bundled);
    }
    // Python's extractor knows its strings and bounds nesting itself.
    (source.language != Language::Python && too_deep(text)).then_some(Why::TooDeep)
}

fn is_minified(text: &str) -> bool {
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
