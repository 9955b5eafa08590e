//! Why a line is refused, in words for whoever wrote it.

use thiserror::Error;

use crate::text;

/// A line that is not passed on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct Rejected {
    /// What is wrong with it.
    pub reason: Reason,
    /// The id as written, when exactly one could be found, so that the sender's call can be answered. It is a valid
    /// JSON string or number. Nothing for what looks like a host's response: its id is not one of the host's calls.
    pub id: Option<Box<[u8]>>,
    /// What the line seems to be, judged by its members, to tell whose call `id` is.
    pub looks_like: Shape,
}

/// What a line that was refused seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has a `method`: the id, if any, was chosen by its sender.
    Request,
    /// It has a `result` or an `error` and no `method`: the id, if any, was chosen by its receiver.
    Response,
    /// Neither was found, or both.
    Unknown,
}

/// What is wrong with a line. Positions are byte offsets into the line, counted from 0.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Reason {
    /// The line breaks the JSON grammar.
    #[error(
        "invalid JSON at byte {at}: send each message as one JSON object on a line of its own, \
         with no trailing commas, comments, NaN or raw control characters"
    )]
    InvalidJson {
        /// The first byte that does not fit, or the length of the line when it ends too early.
        at: usize,
    },
    /// The line holds bytes that are not UTF-8.
    #[error("invalid UTF-8 at byte {at}: encode messages as UTF-8")]
    NotUtf8 {
        /// The first byte that is not part of a character.
        at: usize,
    },
    /// The line is a JSON array.
    #[error("batches are not accepted: send each message on a line of its own")]
    Batch,
    /// An object holds a key twice, after unescaping.
    #[error("duplicate key {key:?} at byte {at}: give each member once")]
    DuplicateKey {
        /// The key, at most 64 characters of it.
        key: String,
        /// Where the second one starts, after its quote.
        at: usize,
    },
    /// Too many objects and arrays are open at once.
    #[error(
        "more than {max} levels of objects and arrays: flatten the message or raise the depth limit"
    )]
    TooDeep {
        /// The limit.
        max: u16,
    },
    /// The line is longer than the limit.
    #[error("the message is longer than {max} bytes: send less at a time or raise the size limit")]
    TooLong {
        /// The limit, in bytes without the line end.
        max: usize,
    },
    /// Valid JSON, but not a JSON-RPC 2.0 message.
    #[error("not a JSON-RPC 2.0 message: {0}")]
    NotJsonRpc(
        /// What is wrong and what is expected.
        &'static str,
    ),
}

impl Reason {
    /// The JSON-RPC error code: -32700 when the bytes are not JSON, -32600 when the message is not acceptable.
    pub fn code(&self) -> i64 {
        match self {
            Self::InvalidJson { .. } | Self::NotUtf8 { .. } => -32700,
            Self::Batch
            | Self::DuplicateKey { .. }
            | Self::TooDeep { .. }
            | Self::TooLong { .. }
            | Self::NotJsonRpc(_) => -32600,
        }
    }
}

/// Most characters of a key that are repeated to its sender.
const KEY_CHARS: usize = 64;

/// The key whose inside is given, as it may be repeated.
pub(crate) fn shortened(inside: &[u8]) -> String {
    // A character takes at most six bytes as an escape or four as itself; two escapes make a pair.
    let bound = inside.len().min(KEY_CHARS * 12);
    String::from_utf8_lossy(&text::decoded(&inside[..bound]))
        .chars()
        .take(KEY_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shortened_to_64_characters() {
        assert_eq!(shortened("é".repeat(64).as_bytes()), "é".repeat(64));
        assert_eq!(shortened("é".repeat(65).as_bytes()), "é".repeat(64));
        assert_eq!(
            shortened(r"\ud83d\ude00".repeat(65).as_bytes()),
            "😀".repeat(64)
        );
        assert_eq!(shortened(br"na\u006de"), "name");
    }

    #[test]
    fn texts_say_what_and_where_and_what_to_do() {
        let key = "a\u{1b}[31m".to_owned();
        let text = Reason::DuplicateKey { key, at: 7 }.to_string();
        assert_eq!(
            text,
            r#"duplicate key "a\u{1b}[31m" at byte 7: give each member once"#
        );
        assert_eq!(Reason::InvalidJson { at: 3 }.code(), -32700);
        assert_eq!(Reason::NotUtf8 { at: 3 }.code(), -32700);
        for reason in [
            Reason::Batch,
            Reason::TooDeep { max: 1 },
            Reason::TooLong { max: 1 },
            Reason::NotJsonRpc("x"),
        ] {
            assert_eq!(reason.code(), -32600);
        }
    }
}
