//! Credentials in results that succeed: told to whoever runs the server, and left where they are,
//! since the one who asked may have asked for just that.

use dropgate_gate::call::Finished;
use dropgate_gate::outcome::Outcome;
use dropgate_journal as journal;
use dropgate_wire::Line;

use crate::cleaning::{Leaving, stopwatch};
use crate::docket::Asked;
use crate::log_line::shown;
use crate::relay::Relay;

/// Whether results that succeed are searched for what looks like a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultSearch {
    /// They are not: it takes a while.
    #[default]
    Off,
    /// They are, and what is found is reported.
    Report,
}

/// The most names of tools that stderr is told of; the record has all.
const MOST_TOLD: usize = 64;

impl Relay {
    /// Reports what of a result that is about to leave looks like a credential.
    pub(crate) fn report_credentials(&mut self, ended: &Finished, line: &Line, leaving: &Leaving) {
        let wanted = self.settings.result_search == ResultSearch::Report;
        if !wanted || ended.outcome != Outcome::Completed {
            return;
        }
        let Some(item) = self.docket.get(ended.slot) else {
            return;
        };
        match item.asked {
            Asked::Tool | Asked::Resource | Asked::Prompt => {}
            Asked::Handshake | Asked::ToolList | Asked::ToolChanges | Asked::Other => return,
        }
        let Some(Ok(result)) = leaving.bytes(&self.upstream, line).map(str::from_utf8) else {
            return;
        };
        let text = match self.sanitizer.credentials(result, &stopwatch()) {
            Ok(0) => return,
            Ok(1) => "1 place of its result looks like a credential".to_owned(),
            Ok(count) => format!("{count} places of its result look like credentials"),
            Err(_) => "its result takes too long to be searched for credentials".to_owned(),
        };
        let text = format!("{text}; it was passed on as it is");
        let reference = item
            .reference
            .map_or(String::new(), |it| format!(" (ref {it})"));
        let name = self.tellable(&item.known.name);
        let note = journal::Note {
            topic: journal::Topic::Credential,
            call: item.reference,
            subject: (&*name).into(),
            text: text.as_str().into(),
        };
        self.recorder.note(note);
        if self.told_credentials.len() < MOST_TOLD && self.told_credentials.insert(name.clone()) {
            self.log.warn(&format!(
                "{}: {text}{reference}; further ones of it are in the journal alone",
                shown(&name)
            ));
        }
    }
}
