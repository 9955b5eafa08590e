//! Database statements, their parameters, and the values that databases quote from rows.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::budget::{Budget, Fault};
use super::bytes::{before, find_in, has_word, logical_end, run, starts_token};
use super::span::{Kind, Spans};

/// How far the second word of a statement may stand from its first.
const REACH: usize = 1024;
/// The longest statement.
const STATEMENT: usize = 64 << 10;

#[derive(Clone, Copy, Debug)]
enum Mark {
    Select,
    /// The verb, and a word that has to follow somewhere when the verb is in small letters.
    Verb(&'static [&'static str]),
    Update,
    /// `[SQL: …]` and its like: up to the closing bracket.
    Bracket,
    /// A row's values: up to this byte.
    Quoted(u8),
    /// Parameters: to the end of the line, if a statement came before.
    Parameters,
}

const MARKS: &[(&str, Mark)] = &[
    ("select ", Mark::Select),
    ("select\n", Mark::Select),
    ("select\\n", Mark::Select),
    ("insert into ", Mark::Verb(&["values", "select", "("])),
    ("replace into ", Mark::Verb(&["values", "select", "("])),
    (
        "delete from ",
        Mark::Verb(&["where", ";", "using", "\"", "`"]),
    ),
    ("merge into ", Mark::Verb(&["using"])),
    ("create table ", Mark::Verb(&["("])),
    ("create index ", Mark::Verb(&[" on "])),
    ("create unique index ", Mark::Verb(&[" on "])),
    (
        "alter table ",
        Mark::Verb(&["add ", "drop ", "alter ", "rename "]),
    ),
    ("drop table ", Mark::Verb(&["if exists", ";", "\"", "`"])),
    ("truncate table ", Mark::Verb(&[";", "\"", "`"])),
    ("update ", Mark::Update),
    ("[sql: ", Mark::Bracket),
    ("[parameters: ", Mark::Bracket),
    (")=(", Mark::Quoted(b')')),
    ("failing row contains (", Mark::Quoted(b')')),
    ("duplicate entry '", Mark::Quoted(b'\'')),
    ("key value is (", Mark::Quoted(b')')),
    ("dup key: {", Mark::Quoted(b'}')),
    ("to use near '", Mark::Quoted(b'\'')),
    ("params: ", Mark::Parameters),
    ("parameters: ", Mark::Parameters),
    ("bindings: ", Mark::Parameters),
    ("binds: ", Mark::Parameters),
    ("args: ", Mark::Parameters),
    ("with values: ", Mark::Parameters),
];

static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::DFA))
        .build(MARKS.iter().map(|(word, _)| word))
        .ok()
});

/// Marks statements, parameters and values of rows.
pub(super) fn mark(text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>) -> Result<(), Fault> {
    let words = WORDS.as_ref().ok_or(Fault::Unreadable)?;
    budget.spend(text.len())?;
    let mut covered = 0;
    let mut last_statement = None;
    let mut froms = Froms::default();
    for hit in words.find_iter(text) {
        if hit.start() < covered {
            continue;
        }
        budget.spend(64)?;
        let Some(&(_, mark)) = MARKS.get(hit.pattern().as_usize()) else {
            continue;
        };
        let found = match mark {
            Mark::Select | Mark::Verb(_) | Mark::Update => {
                statement(text, hit.start()..hit.end(), mark, &mut froms).map(|at| (at, Kind::Sql))
            }
            Mark::Bracket => Some((bracket(text, hit.start()), Kind::Sql)),
            Mark::Quoted(close) => quoted(text, hit.end(), close),
            // What a driver prints as parameters stands right after its statement.
            Mark::Parameters => last_statement
                .filter(|&end| hit.start() - end < 64)
                .map(|_| {
                    (
                        hit.end()..logical_end(text, hit.end(), STATEMENT),
                        Kind::Sql,
                    )
                }),
        };
        if let Some((at, kind)) = found {
            budget.spend(at.len())?;
            covered = at.end;
            if kind == Kind::Sql {
                last_statement = Some(at.end);
            }
            spans.add(at, kind);
        }
    }
    Ok(())
}

/// How a verb is written: in small letters it may be a word of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    Small,
    Capitals,
}

fn statement(
    text: &[u8],
    verb: Range<usize>,
    mark: Mark,
    froms: &mut Froms,
) -> Option<Range<usize>> {
    if !starts_token(text, verb.start) || before(text, verb.start) == Some(b'_') {
        return None;
    }
    let word_end = verb.end - 1;
    let is_small = text[verb.start..word_end]
        .iter()
        .any(u8::is_ascii_lowercase);
    let letters = if is_small {
        Letters::Small
    } else {
        Letters::Capitals
    };
    let is_statement = match mark {
        Mark::Select => is_select(text, verb.end, letters, froms),
        Mark::Verb(words) => {
            let names = is_table(text, verb.end);
            names && (letters == Letters::Capitals || follows(text, verb.end, words))
        }
        Mark::Update => is_update(text, verb.end),
        Mark::Bracket | Mark::Quoted(_) | Mark::Parameters => false,
    };
    is_statement.then(|| verb.start..statement_end(text, verb.start))
}

/// `SELECT a, b FROM c`; in small letters only when the list or the table can't be English.
fn is_select(text: &[u8], at: usize, letters: Letters, froms: &mut Froms) -> bool {
    let stop = logical_or_deep_end(text, at);
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
struct Froms {
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

fn logical_or_deep_end(text: &[u8], at: usize) -> usize {
    text.len().min(at + REACH)
}

/// The end of the statement that starts at `start`: the end of its last line, the quote that closes it, or the place
/// where the driver goes on to say what is wrong.
fn statement_end(text: &[u8], start: usize) -> usize {
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

/// From `[SQL: ` to the bracket that closes it at the end of a line.
fn bracket(text: &[u8], start: usize) -> Range<usize> {
    let most = text.len().min(start + STATEMENT);
    let mut at = start;
    while let Some(close) = find_in(text, at..most, b"]") {
        let after = text.get(close + 1);
        let ends = matches!(
            after,
            None | Some(b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b' ')
        );
        if ends {
            return start..close + 1;
        }
        at = close + 1;
    }
    start..most
}

/// What a database quotes from a row, up to its closing sign.
fn quoted(text: &[u8], from: usize, close: u8) -> Option<(Range<usize>, Kind)> {
    let line = logical_end(text, from, STATEMENT);
    let inside = text.get(from..line)?;
    let end = match close {
        // Values may hold the sign: the last one on the line that ends a phrase closes it.
        b'\'' => inside
            .windows(2)
            .rposition(|pair| pair == b"' ")
            .or_else(|| inside.iter().rposition(|&byte| byte == close))?,
        _ => inside.iter().rposition(|&byte| byte == close)?,
    };
    Some((from..from + end, Kind::Value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::tests::cut_by;

    fn cleaned(text: &str) -> String {
        cut_by(mark, text)
    }

    #[test]
    fn statements_and_parameters_go_and_reasons_stay() {
        for (text, expected) in [
            (
                "while running SELECT a, b FROM t WHERE c = 4711\nnext",
                "while running [sql removed]\nnext",
            ),
            (
                "select * from \"users\" where \"id\" = $1 - relation \"users\" does not exist",
                "[sql removed] - relation \"users\" does not exist",
            ),
            (
                "Failed query: select \"a\" from \"t\"\nparams: 4711,x",
                "Failed query: [sql removed]\nparams: [sql removed]",
            ),
            (
                "[SQL: INSERT INTO t (a) VALUES (%(a)s)]\n[parameters: {'a': [1]}]\nend",
                "[sql removed]\n[sql removed]\nend",
            ),
            (
                "Key (email)=(ann@x.example) already exists.",
                "Key (email)=([value removed]) already exists.",
            ),
            (
                "Duplicate entry 'ann's' for key 'users.email'",
                "Duplicate entry '[value removed]' for key 'users.email'",
            ),
            (
                "UPDATE t\n   SET a = 1\n WHERE b = 2\nError: x",
                "[sql removed]\nError: x",
            ),
            (
                r"q: DELETE FROM t WHERE a=1\nnext",
                r"q: [sql removed]\nnext",
            ),
            ("SELECT card_number, cvv", "[sql removed]"),
            (
                "near \"SELECT x FROM y\": syntax error",
                "near \"[sql removed]\": syntax error",
            ),
        ] {
            assert_eq!(cleaned(text), expected);
        }
    }

    #[test]
    fn sentences_stay() {
        for text in [
            "Please select one item from the list",
            "select a value from your options",
            "Only SELECT statements are allowed",
            "update the record, then set the flag",
            "insert into the queue failed",
            "delete from the cart",
            "params: must be object",
            "Use UPDATE only with a condition",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }
}
