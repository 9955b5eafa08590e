//! What time brings: the end of a phase, and the small looks that a running relay takes.

use std::time::Duration;

use dropgate_gate::breaker::Ended;
use dropgate_gate::call::Standing;
use dropgate_gate::deadlines::Progress;
use dropgate_gate::refusal::Refusal;
use dropgate_gate::shutdown::{Event, Phase, Trigger};
use dropgate_process::memory::give_back_code;
use dropgate_wire::IdKey;

use crate::pump::LOOK_EVERY;
use crate::relay::Relay;
use crate::upstream::stdio::Why;

/// How long a server that closed its stdout may take to end.
const CLOSED_STDOUT_GRACE: Duration = Duration::from_millis(500);

impl Relay {
    pub(crate) fn due(&self) -> Option<Duration> {
        let while_running = match self.shutdown.phase() {
            Phase::Running => {
                let closed = self.stdout_closed.map(|at| at + CLOSED_STDOUT_GRACE);
                let all = [closed, self.sleepy_at(), self.trim_at, self.look_at];
                all.into_iter().flatten().min()
            }
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing
            | Phase::Done => self.shutdown.phase_end(),
        };
        let always = [
            while_running,
            self.record_due(),
            self.deadlines.next_due(),
            self.checks.next_due(self.probable()),
        ];
        always.into_iter().flatten().min()
    }

    /// When to look after a record that says nothing.
    fn record_due(&self) -> Option<Duration> {
        let waits = self.waits_for_record();
        let wait = self.held_answers.patience().unwrap_or(LOOK_EVERY);
        waits.then_some(self.record_heeded + wait.min(LOOK_EVERY))
    }

    pub(crate) fn set_timer(&mut self) {
        if let Some(due) = self.due() {
            let deadline = (self.started + due).into();
            if self.timer.deadline() != deadline {
                self.timer.as_mut().reset(deadline);
            }
        }
    }

    pub(crate) fn time_is_up(&mut self) {
        let now = self.now();
        self.expire_calls(now);
        self.checks.tick(self.probable(), now);
        self.try_server(now);
        self.heed_checks(now);
        match self.shutdown.phase() {
            Phase::Running => self.time_while_running(now),
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing
            | Phase::Done => {
                if self.shutdown.phase_end().is_some_and(|end| end <= now) {
                    self.on(Event::PhaseOver);
                }
            }
        }
    }

    /// Calls whose time is up are answered; the server is told of those that it knows.
    fn expire_calls(&mut self, now: Duration) {
        for slot in self.deadlines.expired(now) {
            let Some(id) = self.docket.get(slot).map(|item| item.id.clone()) else {
                continue;
            };
            if let Some(call) = self.withdraw(&id) {
                self.turn_away(call, Refusal::timed_out_unsent(), now);
                continue;
            }
            match self.calls.mark_cancel_sent(&id) {
                Some(Standing::Waiting) => self.upstream.cancel(&id, Why::TimedOut),
                Some(Standing::CancelSent | Standing::CancelledByHost) | None => {}
            }
            self.answer_here(&id, &Refusal::timed_out(), Ended::TimedOut);
        }
    }

    /// A sign of progress gives the call with this token its time again.
    pub(crate) fn extend_deadline(&mut self, token: &IdKey, now: Duration) {
        let (slot, due) = match self.deadlines.progress(token, now) {
            Progress::Extended { slot, due } => (slot, due),
            Progress::AtMaximum { .. } | Progress::Unclaimed => return,
        };
        let pass = self
            .docket
            .get(slot)
            .and_then(|item| self.calls.pass(&item.id));
        if let Some(pass) = pass {
            self.checks.extend(pass, due);
        }
    }

    pub(crate) fn time_while_running(&mut self, now: Duration) {
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = Some(now + LOOK_EVERY);
            if self.downstream.intake.writer_is_gone() {
                return self.begin(Trigger::Eof);
            }
        }
        if self.trim_at.is_some_and(|at| at <= now) {
            self.trim_at = None;
            self.downstream.intake.trim();
            self.upstream.intake.trim();
            give_back_code();
        }
        if self
            .stdout_closed
            .is_some_and(|at| at + CLOSED_STDOUT_GRACE <= now)
        {
            self.stdout_closed = None;
            self.begin(Trigger::ServerExited);
        } else {
            self.fall_asleep();
        }
    }
}
