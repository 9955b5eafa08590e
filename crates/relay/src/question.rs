//! What the policies are asked about a call, and what they say of their answer.

use std::time::{Duration, SystemTime};

use dropgate_gate::call::Slot;
use dropgate_gate::decision::Decision;
use dropgate_gate::mode::{Class, Standing};
use dropgate_policy::{self as policy, Moment, Question};

use crate::candidate::Candidate;
use crate::log_line::shown;
use crate::relay::Relay;
use crate::settings::Explain;

impl Relay {
    /// What the policies are asked about a call.
    pub(crate) fn question<'a>(
        &'a self,
        candidate: &'a Candidate,
        slot: Slot,
        now: Duration,
    ) -> Question<'a> {
        let class = self
            .docket
            .get(slot)
            .map_or(Class::Write, |item| item.class);
        Question {
            principal: &self.settings.caller,
            subject: candidate.subject(),
            class,
            mode: match self.checks.standing() {
                Standing::ReadOnly { .. } => policy::Mode::ReadOnly,
                Standing::Normal | Standing::Degraded { .. } | Standing::Offline { .. } => {
                    policy::Mode::ReadWrite
                }
            },
            arguments: Some(candidate.arguments(&self.downstream.intake.lines))
                .filter(|arguments| !arguments.is_empty()),
            now: Moment {
                monotonic: now,
                wall: SystemTime::now(),
            },
        }
    }

    /// Says on stderr why a call may be made or not, where that was asked for.
    pub(crate) fn explain(
        &mut self,
        candidate: &Candidate,
        slot: Slot,
        decision: &Decision,
        now: Duration,
    ) {
        match self.settings.explain {
            Explain::Off => return,
            Explain::On => {}
        }
        let reference = self.docket.get(slot).and_then(|item| item.reference);
        let reference = reference.map_or(String::new(), |it| format!(" (ref {it})"));
        let subject = candidate.subject();
        let mut lines = vec![format!(
            "{} {}{reference}: {decision}",
            subject.method(),
            shown(subject.name()),
        )];
        let question = self.question(candidate, slot, now);
        if let Some(explanation) = self.settings.policies.explain(&question) {
            let text = explanation.to_string();
            // The first line repeats the question.
            lines.extend(text.lines().skip(1).map(str::to_owned));
        }
        for line in lines {
            self.log.line(&line);
        }
    }
}
