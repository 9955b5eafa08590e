//! Messages of a server that are no answers.

use std::ops::Range;

use dropgate_wire::Notification;
use dropgate_wire::edit::{self, Edit};
use serde_json::json;

use super::Sanitizer;
use super::answer::{Rewritten, may_hide, rewritten, value_of};
use super::budget::{Budget, Fault, MAX_MESSAGE_BYTES, Time};
use super::clean::Depth;
use super::span::Redactions;
use super::verdict::{Replacement, Verdict};

const LOG: &str = "notifications/message";
const PROGRESS: &str = "notifications/progress";
/// What stands for a text that could not be cleaned.
const WITHHELD: &str = "[message withheld]";

impl Sanitizer {
    /// What the host gets instead of this notification, if anything. The line is without its line end. Log messages and
    /// progress reports are cleaned, others only searched for exact values.
    pub fn notification(
        &self,
        line: &[u8],
        notification: &Notification<'_>,
        time: &dyn Fn() -> Time,
    ) -> Verdict {
        let members: &[&str] = match notification.method.as_ref() {
            LOG => &["data", "logger"],
            PROGRESS => &["message"],
            _ => return self.message(line, time),
        };
        let mut redactions = Redactions::default();
        match self.cleaned_params(line, members, &mut redactions, &mut Budget::new(time)) {
            Ok(None) => self.message(line, time),
            Ok(Some(Rewritten { line, original })) => {
                Verdict::Replaced(Replacement::new(line, redactions, None, original))
            }
            Err(fault) => withheld(line, members, fault),
        }
    }

    /// What the host gets instead of this request or notification of the server's, if anything: only exact values of
    /// secrets are looked for. The line is without its line end.
    pub fn message(&self, line: &[u8], time: &dyn Fn() -> Time) -> Verdict {
        if self.values.is_empty() {
            return Verdict::Clean;
        }
        let mut redactions = Redactions::default();
        match self.exact_params(line, &mut redactions, &mut Budget::new(time)) {
            Ok(None) => Verdict::Clean,
            Ok(Some(Rewritten { line, original })) => {
                Verdict::Replaced(Replacement::new(line, redactions, None, original))
            }
            Err(fault) => Verdict::Withheld(fault),
        }
    }

    fn exact_params(
        &self,
        line: &[u8],
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Rewritten>, Fault> {
        if !self.values.is_in(line, budget)? && !may_hide(line) {
            return Ok(None);
        }
        let Some([Some(at)]) = edit::members(line, ["params"]) else {
            // Without params there is only the method, which the host knows.
            return Ok(None);
        };
        let Some(edits) = self.edited(line, &at, Depth::Exact, redactions, budget)? else {
            return Ok(None);
        };
        rewritten(line, edits, at).map(Some)
    }

    fn cleaned_params(
        &self,
        line: &[u8],
        members: &[&str],
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Rewritten>, Fault> {
        if line.len() > MAX_MESSAGE_BYTES {
            return Err(Fault::TooLong);
        }
        let params = value_of(line, "params")?;
        let mut edits = Vec::new();
        for at in named(line, &params, members) {
            self.edit_scalars(line, at, Depth::All, &mut edits, redactions, budget)?;
        }
        if edits.is_empty() {
            return Ok(None);
        }
        // What stands beside the cleaned members may hold exact values as well.
        let whole = rewritten(line, edits, params.clone())?;
        let again = self.exact_params(&whole.line, redactions, budget)?;
        let line = again.map_or(whole.line, |again| again.line);
        Ok(Some(Rewritten {
            line,
            original: params,
        }))
    }
}

/// Where the named members of the params stand in the line.
fn named(line: &[u8], params: &Range<usize>, members: &[&str]) -> Vec<Range<usize>> {
    let found = members.iter().filter_map(|name| {
        let [at] = edit::members(&line[params.clone()], [name])?;
        let at = at?;
        Some(params.start + at.start..params.start + at.end)
    });
    found.collect()
}

/// The same notification with fixed words in the place of its texts.
fn withheld(line: &[u8], members: &[&str], fault: Fault) -> Verdict {
    let Ok(params) = value_of(line, "params") else {
        return Verdict::Withheld(fault);
    };
    let words = json!(WITHHELD).to_string().into_bytes();
    let edits = named(line, &params, members)
        .into_iter()
        .map(|at| Edit {
            at,
            bytes: words.clone(),
        })
        .collect();
    match rewritten(line, edits, params) {
        Ok(Rewritten { line, original }) => Verdict::Replaced(Replacement::new(
            line,
            Redactions::default(),
            Some(fault),
            original,
        )),
        Err(fault) => Verdict::Withheld(fault),
    }
}
