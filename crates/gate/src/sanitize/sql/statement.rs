//! Whether a verb of SQL begins a statement or stands in a sentence.

use std::ops::Range;

use super::end::statement_end;
use crate::sanitize::bytes::{before, find_in, has_word, run, starts_token};

/// How far the second word of a statement may stand from its first.
const REACH: usize = 1024;

/// What a statement begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Select,
    Update,
    /// Any other, and a word that has to follow somewhere when the verb is in small letters.
    Other(&'static [&'static str]),
}

/// How a verb is written: in small letters it may be a word of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    Small,
    Capitals,
}

/// The statement whose verb stands at `at`, a sign after it included, if it is one and no sentence.
pub(super) fn statement(
    text: &[u8],
    at: Range<usize>,
    verb: Verb,
    froms: &mut Froms,
) -> Option<Range<usize>> {
    if !starts_token(text, at.start) || before(text, at.start) == Some(b'_') {
        return None;
    }
    let is_small = text[at.start..at.end - 1]
        .iter()
        .any(u8::is_ascii_lowercase);
    let letters = if is_small {
        Letters::Small
    } else {
        Letters::Capitals
    };
    let is_statement = match verb {
        Verb::Select => is_select(text, at.end, letters, froms),
        Verb::Other(words) => {
            let names = is_table(text, at.end);
            names && (letters == Letters::Capitals || follows(text, at.end, words))
        }
        Verb::Update => is_update(text, at.end),
    };
    is_statement.then(|| at.start..statement_end(text, at.start))
}

/// `SELECT a, b FROM c`; in small letters only when the list or the table can't be English.
fn is_select(text: &[u8], at: usize, letters: Letters, froms: &mut Froms) -> bool {
    let stop = text.len().min(at + REACH);
    let list_end = froms.next(text, at).filter(|&from| from < stop);
    let list = &text[at..list_end.unwrap_or(stop.min(at + 64))];
    let first = list.trim_ascii_start();
    let signs = |bytes: &[u8]| {
        bytes
            .iter()
            .any(|byte| matches!(byte, b'*' | b'"' | b'`' | b'.' | b'(' | b'=' | b'['))
    };
    let Some(from) = list_end else {
        // Without FROM: `SELECT 1`, `SELECT pg_sleep(10)`, `SELECT a, b` that was cut.
        let word = run(first, 0, 64, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'_'
        });
        let after = first.get(word);
        return letters == Letters::Capitals
            && (first
                .first()
                .is_some_and(|byte| !byte.is_ascii_alphabetic())
                || matches!(after, Some(b'(' | b',' | b'.')));
    };
    let table = text
        .get(from + 4..stop)
        .unwrap_or_default()
        .trim_ascii_start();
    if is_article(table) {
        return false;
    }
    letters == Letters::Capitals
        || signs(list)
        || table
            .first()
            .is_some_and(|byte| matches!(byte, b'"' | b'`' | b'[' | b'('))
        || list.contains(&b'_')
        || follows(text, from + 4, &["where ", "join ", "order by ", "limit "])
}

/// `UPDATE a SET b = …`.
fn is_update(text: &[u8], at: usize) -> bool {
    let stop = text.len().min(at + 256);
    let Some(set) = word_in(text, at..stop, b"set") else {
        return false;
    };
    is_table(text, at) && find_in(text, set..text.len().min(set + 128), b"=").is_some()
}

fn is_table(text: &[u8], at: usize) -> bool {
    let name = text.get(at..).unwrap_or_default().trim_ascii_start();
    let starts = name.first().is_some_and(|byte| {
        byte.is_ascii_alphabetic() || matches!(byte, b'"' | b'`' | b'[' | b'_' | b'$' | b'\\')
    });
    starts && !is_article(name)
}

fn is_article(text: &[u8]) -> bool {
    let words = [
        "the ", "a ", "an ", "this ", "that ", "your ", "these ", "those ", "its ", "any ", "one ",
    ];
    words.iter().any(|word| has_word(text, 0, word.as_bytes()))
}

/// Whether one of the words stands soon after.
fn follows(text: &[u8], at: usize, words: &[&str]) -> bool {
    let window = text.get(at..text.len().min(at + 160)).unwrap_or_default();
    words
        .iter()
        .any(|word| (0..window.len()).any(|place| has_word(window, place, word.as_bytes())))
}

/// The next FROM, searched for once however many SELECTs stand before it.
#[derive(Debug, Default)]
pub(super) struct Froms {
    found: Option<usize>,
    searched: usize,
}

impl Froms {
    fn next(&mut self, text: &[u8], at: usize) -> Option<usize> {
        if self.found.is_none_or(|found| found < at) && self.searched < text.len() {
            let start = at.max(self.searched);
            self.found = word_in(text, start..text.len(), b"from");
            self.searched = self.found.map_or(text.len(), |found| found + 4);
        }
        self.found.filter(|&found| found >= at)
    }
}

/// Where a word stands between spaces or signs.
fn word_in(text: &[u8], range: Range<usize>, word: &[u8]) -> Option<usize> {
    let mut at = range.start;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    while at + word.len() <= range.end {
        let free = before(text, at).is_none_or(|byte| !is_letter(byte)) || starts_token(text, at);
        if free
            && has_word(text, at, word)
            && text
                .get(at + word.len())
                .is_none_or(|&byte| !is_letter(byte))
        {
            return Some(at);
        }
        at += 1;
    }
    None
}
