//! What time brings: the end of a phase, and the small looks that a running relay takes.

use std::time::Duration;

use dropgate_gate::shutdown::{Event, Phase, Trigger};

use crate::relay::{LOOK_EVERY, Relay};

/// How long a server that closed its stdout may take to end.
const CLOSED_STDOUT_GRACE: Duration = Duration::from_millis(500);

impl Relay {
    pub(crate) fn due(&self) -> Option<Duration> {
        self.shutdown.phase_end().or_else(|| {
            let closed = self.stdout_closed.map(|at| at + CLOSED_STDOUT_GRACE);
            let all = [closed, self.sleepy_at(), self.trim_at, self.look_at];
            all.into_iter().flatten().min()
        })
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
        match self.shutdown.phase() {
            Phase::Running => self.time_while_running(now),
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing
            | Phase::Done => self.on(Event::PhaseOver),
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
