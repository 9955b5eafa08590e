//! Leases of the server's secrets: recorded when granted, heeded while they last, ended at the end.

use std::time::Duration;

use dropgate_gate::shutdown::Trigger;
use dropgate_journal::{Note, Topic};
use dropgate_secrets::{LeaseEnd, News, OnLost, Secrets};

use crate::recorder::Recorder;
use crate::relay::Relay;
use crate::report::LeaseReport;
use crate::settings::Settings;

/// What the end of leases may take when a shutdown has used all its time: the credentials of a
/// server that had to be killed are those that most need an end.
const LEAST: Duration = Duration::from_secs(1);
/// What it may take at most.
const MOST: Duration = Duration::from_secs(5);

/// Leases that earlier runs were granted by the same Vault and could not end. To be asked before this
/// run takes a chain of the journal.
pub(crate) fn left(settings: &Settings) -> Vec<String> {
    let (Some(journal), Some(address)) = (&settings.journal, settings.secrets.granted_by()) else {
        return Vec::new();
    };
    // A journal that can't be read is told of when it is opened.
    let left = dropgate_journal::leases_left(&journal.dir).unwrap_or_default();
    let ours = left.into_iter().filter(|one| one.granted_by == address);
    ours.map(|one| one.id).collect()
}

/// Records what was granted, before a server can use it.
pub(crate) fn record(secrets: &Secrets, recorder: &mut Recorder) {
    let address = secrets.granted_by().unwrap_or_default();
    for id in secrets.granted() {
        recorder.note(Note {
            topic: Topic::LeaseGranted,
            call: None,
            subject: id.into(),
            text: address.as_str().into(),
        });
    }
}

/// The record of an end that was reached.
pub(crate) fn revoked(end: &LeaseEnd) -> Option<Note> {
    let LeaseEnd::Revoked(id) = end else {
        return None;
    };
    Some(Note {
        topic: Topic::LeaseRevoked,
        call: None,
        subject: id.as_str().into(),
        text: "".into(),
    })
}

impl Relay {
    /// Says what happened to leases. The loss of one means what its secrets say: the end of the
    /// server, or of its writing.
    pub(crate) fn heed_leases(&mut self) {
        for news in self.settings.secrets.take_news() {
            match news {
                News::NotRenewed { what, why } => {
                    let why = self.sanitizer.text(&why, &crate::cleaning::stopwatch());
                    self.log
                        .warn(&format!("lease of {what} not renewed: {}", why.as_str()));
                }
                News::RenewedAgain { what } => {
                    self.log.line(&format!("lease of {what} renewed again"));
                }
                News::OlderRevoked(end) => {
                    if let Some(note) = revoked(&end) {
                        self.log
                            .line("a lease that an earlier run left was revoked");
                        self.recorder.note(note);
                    }
                }
                News::Lost { what, then } => match then {
                    OnLost::Stop => {
                        self.log
                            .warn(&format!("lease of {what} has ended; stopping the server"));
                        self.begin(Trigger::LeaseLost);
                    }
                    OnLost::ReadOnly => {
                        self.log.warn(&format!("lease of {what} has ended"));
                        let now = self.now();
                        self.checks.lease_gone(now);
                        self.heed_checks(now);
                    }
                },
            }
        }
    }

    /// Ends the leases and erases the values: nobody is left who could use them.
    pub(crate) fn end_secrets(&mut self) -> LeaseReport {
        let within = self.shutdown.time_left(self.now()).clamp(LEAST, MOST);
        let mut report = LeaseReport::default();
        for end in self.settings.secrets.end(within) {
            match revoked(&end) {
                Some(note) => {
                    report.revoked += 1;
                    self.recorder.note(note);
                }
                None => report.pending += 1,
            }
        }
        report
    }
}
