//! What of a server's words may leave toward the host: asked of the gate's sanitiser, line by line.

use std::time::Instant;

use dropgate_gate::outcome::Outcome;
use dropgate_gate::sanitize::{self, MAX_WORK, Sanitizer, Time, Verdict};
use dropgate_journal::{CallRef, Keep, MAX_KEPT};
use dropgate_wire::{Direction, Envelope, Limits, Line, edit, scan_buffered};

use crate::docket::Asked;
use crate::upstream::stdio::Upstream;

/// What leaves for an answer, and what the record keeps of it.
#[derive(Debug)]
pub(crate) struct Cleaned {
    /// The line that leaves instead; none if the answer leaves as it came.
    pub(crate) instead: Option<Vec<u8>>,
    pub(crate) redactions: u32,
    pub(crate) keep: Keep,
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

/// How much of a successful result the record keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    Nothing,
    /// The result, so that a repetition of the call can be answered.
    Result,
}

impl Upstream {
    /// Cleans an answer that is still in the buffer.
    pub(crate) fn clean_answer(
        &self,
        line: &Line,
        limits: &Limits,
        sanitizer: &Sanitizer,
        (asked, outcome, reference, keeping): (Asked, Outcome, Option<CallRef>, Keeping),
    ) -> Cleaned {
        let unchanged = |keep| Cleaned {
            instead: None,
            redactions: 0,
            keep,
        };
        let Line::Whole(span, _) = line else {
            return unchanged(Keep::Nothing);
        };
        let bytes = self.intake.lines.bytes(span.clone());
        if outcome == Outcome::Completed && sanitizer.knows_no_values() {
            return unchanged(kept_result(bytes, keeping));
        }
        let scanned = scan_buffered(&self.intake.lines, line, limits, Direction::FromServer);
        let Ok(Envelope::Response(response)) = scanned else {
            return unchanged(Keep::Nothing);
        };
        let reference = reference.map(|reference| reference.to_string());
        let answer = sanitize::Answer {
            line: bytes,
            response: &response,
            outcome,
            asked: match asked {
                Asked::Tool => sanitize::Asked::ToolCall,
                Asked::Handshake => sanitize::Asked::Handshake,
                Asked::Resource
                | Asked::Prompt
                | Asked::ToolList
                | Asked::ToolChanges
                | Asked::Other => sanitize::Asked::Other,
            },
            reference: reference.as_deref(),
        };
        match sanitizer.answer(&answer, &stopwatch()) {
            Verdict::Clean => unchanged(kept_result(bytes, keeping)),
            Verdict::Replaced(replacement) => {
                let original = bytes.get(replacement.original()).unwrap_or_default();
                Cleaned {
                    redactions: replacement.redactions().total(),
                    keep: Keep::Original(original.get(..MAX_KEPT).unwrap_or(original).into()),
                    instead: Some(replacement.into_line()),
                }
            }
            // Never said of an answer; if it were, nothing of it may leave.
            Verdict::Withheld(_) => Cleaned {
                instead: Some(Vec::new()),
                redactions: 0,
                keep: Keep::Nothing,
            },
        }
    }

    /// Cleans a message of the server's that is no answer. None if it leaves as it came, nothing
    /// if it goes nowhere.
    pub(crate) fn clean_message(
        &self,
        line: &Line,
        limits: &Limits,
        sanitizer: &Sanitizer,
    ) -> Option<Vec<u8>> {
        let Line::Whole(span, _) = line else {
            return None;
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
            Verdict::Clean => None,
            Verdict::Replaced(replacement) => Some(replacement.into_line()),
            Verdict::Withheld(_) => Some(Vec::new()),
        }
    }
}

fn kept_result(line: &[u8], keeping: Keeping) -> Keep {
    if keeping == Keeping::Nothing || line.len() > MAX_KEPT {
        return Keep::Nothing;
    }
    match edit::members(line, ["result"]) {
        Some([Some(at)]) => line
            .get(at)
            .map_or(Keep::Nothing, |result| Keep::Result(result.into())),
        Some([None]) | None => Keep::Nothing,
    }
}
