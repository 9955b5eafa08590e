//! What of a server's words may leave toward the host: asked of the gate's sanitiser, line by line.

use std::time::Instant;

use dropgate_gate::outcome::Outcome;
use dropgate_gate::refusal::meta;
use dropgate_gate::sanitize::{self, MAX_WORK, Sanitizer, Time, Verdict};
use dropgate_journal::{CallRef, Keep, MAX_KEPT};
use dropgate_wire::reply::{self, Part};
use dropgate_wire::{Direction, Envelope, Limits, Line, Rejected, edit, scan, scan_buffered};

use crate::docket::Asked;
use crate::upstream::stdio::{Claims, Upstream};

/// What leaves for an answer, and what the record keeps of it.
#[derive(Debug)]
pub(crate) struct Cleaned {
    pub(crate) leaving: Leaving,
    pub(crate) redactions: u32,
    pub(crate) keep: Keep,
}

impl Cleaned {
    fn unchanged(keep: Keep) -> Self {
        Self {
            leaving: Leaving::AsItCame,
            redactions: 0,
            keep,
        }
    }
}

/// A line that was taken for an answer, and can't be read as one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// What leaves for a line of the server's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    AsItCame,
    /// This line, its end included.
    Instead(Vec<u8>),
    Nothing,
}

impl Leaving {
    /// The bytes that leave, the line's end included; none if nothing does, or the line is too long.
    pub(crate) fn bytes<'a>(&'a self, from: &'a Upstream, line: &Line) -> Option<&'a [u8]> {
        match (self, line) {
            (Self::Instead(instead), _) => Some(instead),
            (Self::AsItCame, Line::Whole(span, end)) => {
                Some(from.intake.lines.bytes(span.start..*end))
            }
            (Self::AsItCame, Line::TooLong { .. }) | (Self::Nothing, _) => None,
        }
    }
}

/// A clock for one message.
pub(crate) fn stopwatch() -> impl Fn() -> Time {
    let begun = Instant::now();
    move || {
        if begun.elapsed() > MAX_WORK {
            Time::Up
        } else {
            Time::Left
        }
    }
}

/// How much of an answer the record keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    Nothing,
    /// All of it, so that a repetition of the call can be answered.
    Result,
}

impl Upstream {
    /// Cleans an answer that is still in the buffer.
    ///
    /// # Errors
    /// It can't be read as an answer, so nothing says what may leave of it.
    pub(crate) fn clean_answer(
        &self,
        line: &Line,
        limits: &Limits,
        sanitizer: &Sanitizer,
        answered: (Asked, Outcome, Option<CallRef>, Keeping),
        claims: Claims,
    ) -> Result<Cleaned, Unreadable> {
        let Line::Whole(span, _) = line else {
            return Err(Unreadable);
        };
        let bytes = self.intake.lines.bytes(span.clone());
        let (_, outcome, _, keeping) = answered;
        let is_plain = outcome == Outcome::Completed && claims == Claims::None;
        if is_plain && sanitizer.knows_no_values() {
            return Ok(Cleaned::unchanged(kept_answer(bytes, keeping)));
        }
        let scanned = scan_buffered(&self.intake.lines, line, limits, Direction::FromServer);
        cleaned(bytes, scanned, sanitizer, answered)
    }

    /// Cleans a message of the server's that is no answer.
    pub(crate) fn clean_message(
        &self,
        line: &Line,
        limits: &Limits,
        sanitizer: &Sanitizer,
    ) -> Leaving {
        let Line::Whole(span, _) = line else {
            return Leaving::Nothing;
        };
        let bytes = self.intake.lines.bytes(span.clone());
        let scanned = scan_buffered(&self.intake.lines, line, limits, Direction::FromServer);
        let verdict = match scanned {
            Ok(Envelope::Notification(notification)) => {
                sanitizer.notification(bytes, &notification, &stopwatch())
            }
            Ok(Envelope::Request(_) | Envelope::Response(_) | Envelope::Blank) | Err(_) => {
                sanitizer.message(bytes, &stopwatch())
            }
        };
        match verdict {
            Verdict::Clean => Leaving::AsItCame,
            Verdict::Replaced(replacement) => Leaving::Instead(replacement.into_line()),
            Verdict::Withheld(_) => Leaving::Nothing,
        }
    }
}

/// What may leave of an answer, as far as it could be read.
fn cleaned(
    bytes: &[u8],
    scanned: Result<Envelope<'_>, Rejected>,
    sanitizer: &Sanitizer,
    (asked, outcome, reference, keeping): (Asked, Outcome, Option<CallRef>, Keeping),
) -> Result<Cleaned, Unreadable> {
    let Ok(Envelope::Response(response)) = scanned else {
        return Err(Unreadable);
    };
    let reference = reference.map(|reference| reference.to_string());
    let answer = sanitize::Answer {
        line: bytes,
        response: &response,
        outcome,
        asked: of_sanitizer(asked),
        reference: reference.as_deref(),
    };
    Ok(match sanitizer.answer(&answer, &stopwatch()) {
        Verdict::Clean => Cleaned::unchanged(kept_answer(bytes, keeping)),
        Verdict::Replaced(replacement) => {
            let original = bytes.get(replacement.original()).unwrap_or_default();
            Cleaned {
                redactions: replacement.redactions().total(),
                keep: Keep::Original(original.get(..MAX_KEPT).unwrap_or(original).into()),
                leaving: Leaving::Instead(replacement.into_line()),
            }
        }
        // Never said of an answer; if it were, nothing of it may leave.
        Verdict::Withheld(_) => Cleaned {
            leaving: Leaving::Nothing,
            redactions: 0,
            keep: Keep::Nothing,
        },
    })
}

fn of_sanitizer(asked: Asked) -> sanitize::Asked {
    match asked {
        Asked::Tool => sanitize::Asked::ToolCall,
        Asked::Handshake => sanitize::Asked::Handshake,
        Asked::Resource | Asked::Prompt | Asked::ToolList | Asked::ToolChanges | Asked::Other => {
            sanitize::Asked::Other
        }
    }
}

/// What a server answered, as the record keeps it: the value of `result` or `error`.
fn kept_answer(line: &[u8], keeping: Keeping) -> Keep {
    if keeping == Keeping::Nothing || line.len() > MAX_KEPT {
        return Keep::Nothing;
    }
    match edit::members(line, ["result", "error"]) {
        Some([Some(at), _] | [None, Some(at)]) => line
            .get(at)
            .map_or(Keep::Nothing, |answer| Keep::Result(answer.into())),
        Some([None, None]) | None => Keep::Nothing,
    }
}

/// An answer that was recorded earlier, for another id: cleaned as when it came, and marked. None
/// if what was kept is not whole.
pub(crate) fn replayed(
    sanitizer: &Sanitizer,
    limits: &Limits,
    id: &[u8],
    earlier: &Earlier<'_>,
) -> Option<Vec<u8>> {
    let part = match earlier.outcome {
        Outcome::Completed | Outcome::ToolError => Part::Result,
        Outcome::RpcError
        | Outcome::Cancelled
        | Outcome::TimedOut
        | Outcome::Denied
        | Outcome::NotExecuted
        | Outcome::Unknown
        | Outcome::Shed => Part::Error,
    };
    let line = reply::response(id, part, earlier.kept);
    let bytes = line.trim_ascii_end();
    let Ok(Envelope::Response(response)) = scan(bytes, limits, Direction::FromServer) else {
        return None;
    };
    let reference = earlier.call.to_string();
    let answer = sanitize::Answer {
        line: bytes,
        response: &response,
        outcome: earlier.outcome,
        asked: of_sanitizer(earlier.asked),
        reference: Some(&reference),
    };
    let cleaned = match sanitizer.answer(&answer, &stopwatch()) {
        Verdict::Clean => line,
        Verdict::Replaced(replacement) => replacement.into_line(),
        Verdict::Withheld(_) => return None,
    };
    let outcome = meta(earlier.outcome, earlier.outcome.retry(), Some(&reference));
    let told = marked(cleaned, reply::OUTCOME, outcome.to_string().as_bytes());
    Some(marked(told, reply::REPLAYED, b"true"))
}

/// What is known of the call whose answer is given again.
pub(crate) struct Earlier<'a> {
    pub(crate) call: CallRef,
    pub(crate) outcome: Outcome,
    /// The value of `result` or `error`.
    pub(crate) kept: &'a [u8],
    pub(crate) asked: Asked,
}

/// The line with a member in `_meta` of its result; an error has none and stays as it is.
fn marked(line: Vec<u8>, name: &str, value: &[u8]) -> Vec<u8> {
    let edit = match edit::members(&line, ["result"]) {
        Some([Some(at)]) => edit::meta_member(&line, &at, name, value),
        Some([None]) | None => None,
    };
    match edit.map(|edit| edit::edited(&line, vec![edit])) {
        Some(Some(edited)) => edited,
        Some(None) | None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_read_again_does_not_leave() {
        let sanitizer = Sanitizer::new(sanitize::Settings::default(), []);
        let answered = (Asked::Tool, Outcome::ToolError, None, Keeping::Result);
        let clean = |line: &[u8]| {
            let scanned = scan(line, &Limits::default(), Direction::FromServer);
            cleaned(line, scanned, &sanitizer, answered)
        };
        let whole = br#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}"#;
        assert!(clean(whole).is_ok());
        for odd in [
            &br#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"isError":false}}"#[..],
            br#"{"jsonrpc":"2.0","id":1,"result":{"password":"hunter2""#,
            br#"{"jsonrpc":"2.0","id":1,"method":"at /srv/secret.js:1"}"#,
            b"",
        ] {
            assert_eq!(clean(odd).err(), Some(Unreadable), "{}", odd.escape_ascii());
        }
    }
}
