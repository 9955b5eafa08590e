//! What arrived: answers, what is no message, and text that should have stayed inside.

use std::collections::{BTreeMap, VecDeque};

use dropgate_wire::{Direction, Envelope, Limits, ResponseKind, scan};

use super::message::{self, Id};
use crate::servers::failure_text::MARKS;

/// Requests of the server that wait for their answer; more are dropped.
const MAX_REPLIES: usize = 64;

/// An answer that is longer is not kept: only the short ones are ever looked into.
const MAX_KEPT: usize = 64 << 10;

/// What shows a stack in the JSON of an answer, by the runtime that prints it so, and what is told of it.
const STACKS: &[(&str, &str)] = &[
    ("\\n    at ", "a stack of JavaScript"),
    ("Traceback (most recent call last)", "a stack of Python"),
    ("stack backtrace:\\n", "a stack of Rust"),
    ("[running]:\\n", "a stack of Go"),
];

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    Result,
    /// An error of the protocol, or a result that is marked as an error.
    Error,
}

/// Whether something that arrived was a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Stray,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    answers: BTreeMap<Id, (Answered, Vec<u8>)>,
    replies: VecDeque<Vec<u8>>,
    marks: Vec<&'static str>,
}

impl Inbox {
    /// Takes in one message, or what stood in its place.
    pub(crate) fn take(&mut self, text: &[u8]) -> Kind {
        self.look_for_marks(text);
        match scan(text, &Limits::default(), Direction::FromServer) {
            Ok(Envelope::Response(response)) => {
                let answered = match response.kind {
                    ResponseKind::Result | ResponseKind::InputRequired => Answered::Result,
                    ResponseKind::ToolError | ResponseKind::Error => Answered::Error,
                };
                if let Some(id) = response.id.and_then(|id| Id::of(id.raw())) {
                    self.answer(id, answered, text);
                }
                Kind::Message
            }
            Ok(Envelope::Request(request)) => {
                if self.replies.len() < MAX_REPLIES {
                    self.replies
                        .extend(message::reply(request.id.raw(), &request.method));
                }
                Kind::Message
            }
            Ok(Envelope::Notification(_)) => Kind::Message,
            Ok(Envelope::Blank) | Err(_) => Kind::Stray,
        }
    }

    /// Notes how a question was answered. Only the first answer counts.
    pub(crate) fn answer(&mut self, id: Id, answered: Answered, text: &[u8]) {
        let kept = if text.len() <= MAX_KEPT {
            text.to_owned()
        } else {
            Vec::new()
        };
        self.answers.entry(id).or_insert((answered, kept));
    }

    pub(crate) fn look_for_marks(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text).replace("\\/", "/");
        for mark in MARKS {
            if text.contains(mark.text) && !self.marks.contains(&mark.text) {
                self.marks.push(mark.text);
            }
        }
        if self.marks.is_empty() {
            let shown = STACKS.iter().find(|(sign, _)| text.contains(sign));
            self.marks.extend(shown.map(|(_, told)| *told));
        }
    }

    pub(crate) fn answered(&self, id: Id) -> Option<Answered> {
        self.answers.get(&id).map(|(answered, _)| *answered)
    }

    /// The whole answer, unless it was very long.
    pub(crate) fn text(&self, id: Id) -> &[u8] {
        self.answers.get(&id).map_or(&[], |(_, text)| text)
    }

    pub(crate) fn next_reply(&mut self) -> Option<Vec<u8>> {
        self.replies.pop_front()
    }

    /// Pieces of a careless error text, in the order of their arrival.
    pub(crate) fn marks(&self) -> &[&'static str] {
        &self.marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_any_server_are_seen() {
        for (text, told) in [
            (
                r#"{"text":"Error: x\n    at f (/a/b.js:1:2)"}"#,
                "JavaScript",
            ),
            (
                r#"{"text":"Traceback (most recent call last):\n"}"#,
                "Python",
            ),
            (r#"{"text":"goroutine 1 [running]:\nmain.f()"}"#, "Go"),
            (r#"{"text":"stack backtrace:\n   0: f"}"#, "Rust"),
        ] {
            let mut inbox = Inbox::default();
            inbox.look_for_marks(text.as_bytes());
            assert_eq!(inbox.marks().len(), 1, "{text}");
            assert!(inbox.marks()[0].ends_with(told), "{text}");
        }
        let mut inbox = Inbox::default();
        inbox.look_for_marks(br#"{"text":"look at this\n   at home"}"#);
        assert_eq!(inbox.marks(), [""; 0]);
    }

    #[test]
    fn lines_are_told_apart() {
        let rows: [(&str, Kind, Option<Answered>); 7] = [
            (
                r#"{"jsonrpc":"2.0","id":3,"result":{}}"#,
                Kind::Message,
                Some(Answered::Result),
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"result":{"isError":true}}"#,
                Kind::Message,
                Some(Answered::Error),
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"m"}}"#,
                Kind::Message,
                Some(Answered::Error),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"3","result":{}}"#,
                Kind::Message,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#,
                Kind::Message,
                None,
            ),
            ("Server running on stdio", Kind::Stray, None),
            ("", Kind::Stray, None),
        ];
        for (line, kind, answered) in rows {
            let mut inbox = Inbox::default();
            assert_eq!(inbox.take(line.as_bytes()), kind, "{line}");
            assert_eq!(inbox.answered(Id::Call), answered, "{line}");
        }
    }

    #[test]
    fn the_first_answer_counts() {
        let mut inbox = Inbox::default();
        inbox.take(br#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"m"}}"#);
        inbox.take(br#"{"jsonrpc":"2.0","id":3,"result":{}}"#);
        assert_eq!(inbox.answered(Id::Call), Some(Answered::Error));
    }

    #[test]
    fn marks_are_found_once_and_behind_escapes() {
        let mut inbox = Inbox::default();
        for line in [
            r#"{"a":"\/srv\/orders\/x"}"#,
            "/srv/orders/",
            "10.20.30.40:5432",
        ] {
            inbox.take(line.as_bytes());
        }
        assert_eq!(inbox.marks(), ["/srv/orders/", "10.20.30.40:5432"]);
    }

    #[test]
    fn requests_of_the_server_are_answered_up_to_the_limit() {
        let mut inbox = Inbox::default();
        for _ in 0..=MAX_REPLIES {
            inbox.take(br#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#);
        }
        let replies: Vec<Vec<u8>> = std::iter::from_fn(|| inbox.next_reply()).collect();
        assert_eq!(replies.len(), MAX_REPLIES);
        let reply: serde_json::Value = serde_json::from_slice(&replies[0]).unwrap();
        let expected = serde_json::json!({"jsonrpc": "2.0", "id": "x", "result": {}});
        assert_eq!(reply, expected);
    }
}
