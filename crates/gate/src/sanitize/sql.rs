//! Database statements, their parameters, and the values that databases quote from rows.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::budget::{Budget, Fault};
use super::bytes::{find_in, logical_end};
use super::span::{Kind, Spans};
use statement::{Froms, Verb, statement};

mod end;
mod statement;

/// The longest statement.
const STATEMENT: usize = 64 << 10;

#[derive(Clone, Copy, Debug)]
enum Mark {
    /// The verb of a statement.
    Statement(Verb),
    /// `[SQL: …]` and its like: up to the closing bracket.
    Bracket,
    /// A row's values: up to this byte.
    Quoted(u8),
    /// Parameters: to the end of the line, if a statement came before.
    Parameters,
}

const MARKS: &[(&str, Mark)] = &[
    ("select ", Mark::Statement(Verb::Select)),
    ("select\n", Mark::Statement(Verb::Select)),
    ("select\\n", Mark::Statement(Verb::Select)),
    (
        "insert into ",
        Mark::Statement(Verb::Other(&["values", "select", "("])),
    ),
    (
        "replace into ",
        Mark::Statement(Verb::Other(&["values", "select", "("])),
    ),
    (
        "delete from ",
        Mark::Statement(Verb::Other(&["where", ";", "using", "\"", "`"])),
    ),
    ("merge into ", Mark::Statement(Verb::Other(&["using"]))),
    ("create table ", Mark::Statement(Verb::Other(&["("]))),
    ("create index ", Mark::Statement(Verb::Other(&[" on "]))),
    (
        "create unique index ",
        Mark::Statement(Verb::Other(&[" on "])),
    ),
    (
        "alter table ",
        Mark::Statement(Verb::Other(&["add ", "drop ", "alter ", "rename "])),
    ),
    (
        "drop table ",
        Mark::Statement(Verb::Other(&["if exists", ";", "\"", "`"])),
    ),
    (
        "truncate table ",
        Mark::Statement(Verb::Other(&[";", "\"", "`"])),
    ),
    ("update ", Mark::Statement(Verb::Update)),
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
            Mark::Statement(verb) => {
                statement(text, hit.start()..hit.end(), verb, &mut froms).map(|at| (at, Kind::Sql))
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
