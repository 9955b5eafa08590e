//! Where a statement ends, in a text that goes on.

use std::ops::Range;

use super::STATEMENT;
use crate::sanitize::bytes::{before, has_word, logical_end, run};

/// The end of the statement that starts at `start`: the end of its last line, the quote that closes it, or the place
/// where the driver goes on to say what is wrong.
pub(super) fn statement_end(text: &[u8], start: usize) -> usize {
    let most = text.len().min(start + STATEMENT);
    let mut end = logical_end(text, start, STATEMENT);
    if let Some(quote @ (b'"' | b'`' | b'\'')) = before(text, start)
        && let Some(close) = text[start..end].iter().rposition(|&byte| byte == quote)
    {
        return start + close;
    }
    loop {
        let next = next_line(text, end);
        if next >= most || next == end || !continues(text, next) {
            break;
        }
        end = logical_end(text, next, most - next);
    }
    reason_in(text, start..end).unwrap_or(end)
}

/// Past one line end, written or real.
fn next_line(text: &[u8], at: usize) -> usize {
    match text.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] | [b'\\', b'n' | b'r', ..] => at + 2,
        [b'\n' | b'\r', ..] => at + 1,
        _ => at,
    }
}

/// Whether the line goes on with a statement.
fn continues(text: &[u8], at: usize) -> bool {
    const WORDS: &[&str] = &[
        "from ",
        "where ",
        "and ",
        "or ",
        "join ",
        "left ",
        "right ",
        "inner ",
        "outer ",
        "cross ",
        "on ",
        "order by",
        "group by",
        "having ",
        "limit ",
        "offset ",
        "values",
        "set ",
        "returning",
        "union",
        "using ",
        "into ",
        "fetch ",
        "for update",
        "select ",
        "insert ",
        "when ",
        "then ",
        "else ",
        "case ",
        "full ",
        "window ",
    ];
    let start = run(text, at, 256, |byte| matches!(byte, b' ' | b'\t'));
    let first = text.get(start);
    matches!(
        first,
        Some(b'(' | b')' | b',' | b'"' | b'`' | b'$' | b'%' | b';')
    ) || WORDS
        .iter()
        .any(|word| has_word(text, start, word.as_bytes()))
        || start >= at + 2
            && first.is_some_and(|byte| byte.is_ascii_alphabetic())
            && text.get(start..start + 3) != Some(b"at ")
            && !is_labelled(text, start)
}

/// `Error: …`, `params: …`.
fn is_labelled(text: &[u8], at: usize) -> bool {
    let word = run(text, at, 40, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
    });
    text.get(word) == Some(&b':')
}

/// Where a driver goes on with what is wrong: after the last ` - `, `: ` or `) ` whose rest names a known failure.
fn reason_in(text: &[u8], at: Range<usize>) -> Option<usize> {
    const REASONS: &[&str] = &[
        "does not exist",
        "doesn't exist",
        "duplicate key",
        "violates",
        "syntax error",
        "no such ",
        "unknown column",
        "constraint failed",
        "timeout",
        "timed out",
        "denied",
        "deadlock",
        "too long",
        "out of range",
        "null value",
        "cannot be null",
        "connection ",
        "must ",
        "invalid ",
        "incorrect ",
        "failed",
    ];
    let statement = text.get(at.clone())?;
    let from = statement.len().saturating_sub(512);
    let signs = (from..statement.len()).rev().filter(|&place| {
        statement[place..].starts_with(b" - ") || statement[place..].starts_with(b": ")
    });
    for place in signs.take(8) {
        let tail = &statement[place..];
        if (0..tail.len().min(128)).any(|step| {
            REASONS
                .iter()
                .any(|reason| has_word(tail, step, reason.as_bytes()))
        }) && !tail.contains(&b'$')
            && !tail.contains(&b'?')
        {
            return Some(at.start + place);
        }
    }
    None
}
