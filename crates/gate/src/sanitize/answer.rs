//! Answers of a server.

use std::borrow::Cow;
use std::ops::Range;

use dropgate_wire::edit::{self, Change, Edit, Scalar};
use dropgate_wire::{Response, ResponseKind, reply};
use serde_json::{Value, json};

use super::Sanitizer;
use super::budget::{Budget, Fault, MAX_MESSAGE_BYTES, Time};
use super::clean::{Depth, capped};
use super::public_text::{Class, PublicText};
use super::span::Redactions;
use super::verdict::{Replacement, Verdict};
use crate::outcome::Outcome;
use crate::refusal::{Code, meta};

/// The longest message of an error that is kept, bytes.
const MAX_MESSAGE: usize = 1024;
const INTERNAL_ERROR: i64 = -32603;

/// What the host asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `tools/call`: a failure can be told in a result.
    ToolCall,
    /// `initialize`, `server/discover`: the `data` of an error tells which versions are spoken, and is kept.
    Handshake,
    /// Anything else.
    Other,
}

/// A server's answer, and what the caller knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The line, without its line end, as it was scanned.
    pub line: &'a [u8],
    /// What the scan found in it.
    pub response: &'a Response<'a>,
    /// What became of the call.
    pub outcome: Outcome,
    /// What the host asked for.
    pub asked: Asked,
    /// Under which reference the journal keeps the original, if it does.
    pub reference: Option<&'a str>,
}

impl Answer<'_> {
    fn meta(&self) -> Value {
        meta(self.outcome, self.outcome.retry(), self.reference)
    }

    /// The code that the host sees of an error: the server's, unless that is one of dropgate's,
    /// whose meaning is not the server's to claim.
    fn code(&self) -> i64 {
        let told = self.response.code;
        told.filter(|code| !Code::RANGE.contains(code))
            .unwrap_or(INTERNAL_ERROR)
    }
}

impl Sanitizer {
    /// What the host gets instead of this answer, if anything. Never [`Verdict::Withheld`].
    pub fn answer(&self, answer: &Answer<'_>, time: &dyn Fn() -> Time) -> Verdict {
        let mut redactions = Redactions::default();
        let mut budget = Budget::new(time);
        let judged = match answer.response.kind {
            ResponseKind::ToolError | ResponseKind::Error
                if answer.line.len() > MAX_MESSAGE_BYTES =>
            {
                Err(Fault::TooLong)
            }
            ResponseKind::Result | ResponseKind::InputRequired => {
                self.result(answer, &mut redactions, &mut budget)
            }
            ResponseKind::ToolError => self.tool_error(answer, &mut redactions, &mut budget),
            ResponseKind::Error => self.error(answer, &mut redactions, &mut budget),
        };
        match judged {
            Ok(None) => Verdict::Clean,
            Ok(Some(Rewritten { line, original })) => {
                Verdict::Replaced(Replacement::new(line, redactions, None, original))
            }
            Err(fault) => Verdict::Replaced(withheld(answer, fault)),
        }
    }

    fn result(
        &self,
        answer: &Answer<'_>,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Rewritten>, Fault> {
        let line = answer.line;
        let may_tell =
            !self.values.is_empty() && (self.values.is_in(line, budget)? || may_hide(line));
        if !may_tell && !claims_outcome(answer.response) {
            return Ok(None);
        }
        let at = value_of(line, "result")?;
        let edits = if may_tell {
            self.edited(line, &at, Depth::Exact, redactions, budget)?
        } else {
            None
        };
        told(answer, edits, at)
    }

    fn tool_error(
        &self,
        answer: &Answer<'_>,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Rewritten>, Fault> {
        let line = answer.line;
        let at = value_of(line, "result")?;
        let mut edits = self.edited(line, &at, Depth::All, redactions, budget)?;
        if let Some(edits) = &mut edits
            && let Some(reference) = answer.reference
            && let Some([Some(content)]) = edit::members(&line[at.clone()], ["content"])
        {
            let content = at.start + content.start..at.start + content.end;
            if line.get(content.start) == Some(&b'[') {
                let text = format!("Details were removed from this message (ref {reference}).");
                let item = json!({ "type": "text", "text": text }).to_string();
                edits.push(edit::append_item(line, &content, item.as_bytes()));
            }
        }
        told(answer, edits, at)
    }

    fn error(
        &self,
        answer: &Answer<'_>,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Rewritten>, Fault> {
        let line = answer.line;
        let at = value_of(line, "error")?;
        let [message, data] =
            edit::members(&line[at.clone()], ["message", "data"]).ok_or(Fault::Unreadable)?;
        let within = |range: Range<usize>| at.start + range.start..at.start + range.end;
        let said = message.map(within).and_then(|range| text_at(line, range));
        let message = self.error_message(said.as_deref(), answer, redactions, budget)?;
        let data = self.error_data(data.map(within), answer, redactions, budget)?;
        let (message, data) = match (message, data) {
            (Part::AsItCame(_), Part::AsItCame(_))
                if answer.response.code == Some(answer.code()) =>
            {
                return Ok(None);
            }
            (
                Part::AsItCame(message) | Part::Other(message),
                Part::AsItCame(data) | Part::Other(data),
            ) => (message, data),
        };
        let data = data.unwrap_or_else(|| answer.meta().to_string().into_bytes());
        let code = answer.code().to_string();
        let error = [
            b"{\"code\":",
            code.as_bytes(),
            b",\"message\":",
            &edit::quoted(message.as_str()),
            b",\"data\":",
            &data,
            b"}",
        ]
        .concat();
        let edits = vec![Edit {
            at: at.clone(),
            bytes: error,
        }];
        rewritten(line, edits, at).map(Some)
    }

    /// The message of an error: cleaned where a caller needs it to mend its request, otherwise in
    /// fixed words.
    fn error_message(
        &self,
        said: Option<&str>,
        answer: &Answer<'_>,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Part<PublicText>, Fault> {
        let code = answer.response.code;
        let is_kept = matches!(code, Some(-32602..=-32600)) || answer.asked == Asked::Handshake;
        let Some(said) = said.filter(|_| is_kept) else {
            let class = Class::of_error(code, said.unwrap_or_default());
            let text = PublicText::of(class).with_reference(answer.reference);
            return Ok(Part::Other(text));
        };
        let cleaned = self.cleaned(said, Depth::All, redactions, budget)?;
        let changed = cleaned.is_some() || said.len() > MAX_MESSAGE;
        let text = cleaned.map_or(Cow::Borrowed(said), Cow::Owned);
        let text = PublicText::cleaned(capped(text, MAX_MESSAGE).into_owned());
        Ok(if changed {
            Part::Other(text.with_reference(answer.reference))
        } else {
            Part::AsItCame(text)
        })
    }

    /// The `data` of an error at `at`, cleaned where it is kept; none where the outcome takes its
    /// place.
    fn error_data(
        &self,
        at: Option<Range<usize>>,
        answer: &Answer<'_>,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Part<Option<Vec<u8>>>, Fault> {
        let Some(at) = at else {
            return Ok(Part::AsItCame(None));
        };
        let code = answer.response.code;
        if !self.settings.keeps_data_of(code) && answer.asked != Asked::Handshake {
            return Ok(Part::Other(None));
        }
        let mut edits = Vec::new();
        let line = answer.line;
        self.edit_scalars(line, at.clone(), Depth::All, &mut edits, redactions, budget)?;
        let is_clean = edits.is_empty();
        let data = Some(part(line, at, edits)?);
        Ok(if is_clean {
            Part::AsItCame(data)
        } else {
            Part::Other(data)
        })
    }

    /// What cleans every key, text and number at `at`; nothing when all is clean.
    pub(super) fn edited(
        &self,
        line: &[u8],
        at: &Range<usize>,
        depth: Depth,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Vec<Edit>>, Fault> {
        let mut edits = Vec::new();
        self.edit_scalars(line, at.clone(), depth, &mut edits, redactions, budget)?;
        if !edits.is_empty() {
            return Ok(Some(edits));
        }
        // A value that stands across texts can't be cut out of one.
        if self.values.is_in(&line[at.clone()], budget)? {
            return Err(Fault::Unreadable);
        }
        Ok(None)
    }

    /// Cleans every key, text and number at `at`.
    pub(super) fn edit_scalars(
        &self,
        line: &[u8],
        at: Range<usize>,
        depth: Depth,
        edits: &mut Vec<Edit>,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<(), Fault> {
        edit::scalars(line, at, edits, |scalar| {
            let (text, depth) = match &scalar {
                Scalar::Text(text) => (text.as_ref(), depth),
                // A key names a field, which has to survive, and a number is no text: only exact values count.
                Scalar::Key(text) => (text.as_ref(), Depth::Exact),
                Scalar::Number(text) => (*text, Depth::Exact),
            };
            let cleaned = self.cleaned(text, depth, redactions, budget)?;
            Ok(cleaned.map_or(Change::Keep, Change::Replace))
        })
        .map_err(Fault::of_walk)
    }
}

/// A part of an error as it leaves.
enum Part<T> {
    AsItCame(T),
    Other(T),
}

/// A new line, and where the value stands in the old one that was replaced.
pub(super) struct Rewritten {
    pub(super) line: Vec<u8>,
    pub(super) original: Range<usize>,
}

pub(super) fn rewritten(
    line: &[u8],
    edits: Vec<Edit>,
    original: Range<usize>,
) -> Result<Rewritten, Fault> {
    let line = edit::edited(line, edits).ok_or(Fault::Unreadable)?;
    Ok(Rewritten { line, original })
}

/// Whether escapes of JSON or percent codes could hide a value from a search of the bytes.
pub(super) fn may_hide(line: &[u8]) -> bool {
    let hides = |at: usize| match line[at] {
        b'%' => line.get(at + 1).is_some_and(u8::is_ascii_hexdigit),
        _ => matches!(line.get(at + 1), Some(b'u' | b'/' | b'\\')),
    };
    memchr::memchr2_iter(b'\\', b'%', line).any(hides)
}

pub(super) fn value_of(line: &[u8], name: &str) -> Result<Range<usize>, Fault> {
    match edit::members(line, [name]) {
        Some([Some(at)]) => Ok(at),
        Some([None]) | None => Err(Fault::Unreadable),
    }
}

fn text_at(line: &[u8], at: Range<usize>) -> Option<String> {
    serde_json::from_slice(line.get(at)?).ok()
}

/// The value at `at` with the edits made, which have their places in the line.
fn part(line: &[u8], at: Range<usize>, edits: Vec<Edit>) -> Result<Vec<u8>, Fault> {
    let moved = edits
        .into_iter()
        .map(|edit| Edit {
            at: edit.at.start - at.start..edit.at.end - at.start,
            bytes: edit.bytes,
        })
        .collect();
    edit::edited(&line[at], moved).ok_or(Fault::Unreadable)
}

/// Whether a result says in the server's words what only dropgate can say of a call.
pub fn claims_outcome(response: &Response<'_>) -> bool {
    response
        .meta
        .is_some_and(|meta| !edit::every_member(meta, &reply::OWN_META).is_empty())
}

/// The answer with these edits, and with the outcome in `_meta` of the result at `at`. Without edits it leaves as it
/// came, unless it claims an outcome itself.
fn told(
    answer: &Answer<'_>,
    edits: Option<Vec<Edit>>,
    at: Range<usize>,
) -> Result<Option<Rewritten>, Fault> {
    if edits.is_none() && !claims_outcome(answer.response) {
        return Ok(None);
    }
    let mut edits = edits.unwrap_or_default();
    for edit in own_words(answer, &at) {
        edits.retain(|one| one.at.end <= edit.at.start || one.at.start >= edit.at.end);
        edits.push(edit);
    }
    rewritten(answer.line, edits, at).map(Some)
}

/// The outcome, in the place of each one that the server made up; and nothing of the server's was given before.
fn own_words(answer: &Answer<'_>, at: &Range<usize>) -> Vec<Edit> {
    let line = answer.line;
    let outcome = answer.meta().to_string().into_bytes();
    let result = line.get(at.clone()).unwrap_or_default();
    let meta = match edit::members(result, ["_meta"]) {
        Some([Some(meta)]) => at.start + meta.start..at.start + meta.end,
        Some([None]) | None => at.start..at.start,
    };
    let claims = edit::every_member(line.get(meta.clone()).unwrap_or_default(), &reply::OWN_META);
    let is_there = |name: &str| {
        claims
            .iter()
            .any(|(found, _)| reply::OWN_META[*found] == name)
    };
    // A result that is no object can't say it.
    let added = (!is_there(reply::OUTCOME))
        .then(|| edit::meta_member(line, at, reply::OUTCOME, &outcome))
        .flatten();
    let replaced = claims.iter().map(|(found, claim)| Edit {
        at: meta.start + claim.start..meta.start + claim.end,
        bytes: match reply::OWN_META[*found] {
            reply::OUTCOME => outcome.clone(),
            _other => b"false".to_vec(),
        },
    });
    added.into_iter().chain(replaced).collect()
}

/// The answer in fixed words, with the outcome that the call had.
fn withheld(answer: &Answer<'_>, fault: Fault) -> Replacement {
    let (class, member) = match answer.response.kind {
        ResponseKind::Result | ResponseKind::InputRequired => (Class::ResultWithheld, "result"),
        ResponseKind::ToolError => (Class::ErrorWithheld, "result"),
        ResponseKind::Error => (Class::ErrorWithheld, "error"),
    };
    let text = PublicText::of(class).with_reference(answer.reference);
    let id = answer.response.id.map(|id| id.raw());
    let line = match (answer.response.kind, answer.asked, id) {
        (
            ResponseKind::Result | ResponseKind::InputRequired | ResponseKind::ToolError,
            Asked::ToolCall,
            Some(id),
        ) => reply::tool_refusal(id, text.as_str(), &answer.meta()),
        (
            ResponseKind::Result
            | ResponseKind::InputRequired
            | ResponseKind::ToolError
            | ResponseKind::Error,
            Asked::ToolCall | Asked::Handshake | Asked::Other,
            id,
        ) => reply::error(id, answer.code(), text.as_str(), Some(&answer.meta())),
    };
    let original = value_of(answer.line, member).unwrap_or(0..answer.line.len());
    Replacement::new(line, Redactions::default(), Some(fault), original)
}
