//! The state of a shutdown: which phase, by which plan, and until when.

use std::time::Duration;

use dropgate_gate::shutdown::{
    Effect, Escalated, Escalation, Event, Phase, Plan, Readiness, Settings, Signal, Trigger,
    Urgency, step,
};

use crate::notify_socket::NotifySocket;
use crate::report::Notes;

/// A shutdown before and while it happens. All times are since the relay's start.
#[derive(Debug)]
pub(crate) struct Shutdown {
    settings: Settings,
    notify: NotifySocket,
    escalation: Escalation,
    phase: Phase,
    entered: Duration,
    begun: Option<(Plan, Notes)>,
}

impl Shutdown {
    pub(crate) fn new(settings: Settings, notify: NotifySocket) -> Self {
        Self {
            settings,
            notify,
            escalation: Escalation::new(),
            phase: Phase::Running,
            entered: Duration::ZERO,
            begun: None,
        }
    }

    /// Tells the service manager, if there is one, that calls are taken.
    pub(crate) fn announce_ready(&self) {
        self.notify.ready();
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn notes(&mut self) -> Option<&mut Notes> {
        self.begun.as_mut().map(|(_, notes)| notes)
    }

    /// When the present phase is over, if a shutdown goes on.
    pub(crate) fn phase_end(&self) -> Option<Duration> {
        match self.phase {
            Phase::Running | Phase::Done => None,
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing => self
                .begun
                .as_ref()
                .map(|(plan, _)| plan.phase_end(self.phase, self.entered)),
        }
    }

    /// How long the drain may last from `now` on.
    pub(crate) fn drain_budget(&self, now: Duration) -> Duration {
        self.begun
            .as_ref()
            .map_or(Duration::ZERO, |(plan, _)| plan.drain_budget(now))
    }

    /// How long the whole shutdown may still last.
    pub(crate) fn time_left(&self, now: Duration) -> Duration {
        self.begun.as_ref().map_or(Duration::ZERO, |(plan, _)| {
            plan.deadline().saturating_sub(now)
        })
    }

    /// A reason to shut down. In a shutdown that goes on it only takes time away.
    #[must_use]
    pub(crate) fn begin(
        &mut self,
        trigger: Trigger,
        readiness: Readiness,
        now: Duration,
    ) -> &'static [Effect] {
        match &mut self.begun {
            Some((plan, _)) => plan.tighten(trigger, now),
            None => {
                let plan = Plan::begin(trigger, &self.settings, readiness, now);
                self.notify.stopping(plan.deadline().saturating_sub(now));
                self.begun = Some((plan, Notes::begin(trigger, now)));
                match trigger {
                    Trigger::Sigterm | Trigger::Sigint | Trigger::Sighup | Trigger::Sigquit => {}
                    Trigger::Eof
                    | Trigger::BrokenPipe
                    | Trigger::HostDied
                    | Trigger::ServerExited
                    | Trigger::GuardLost
                    | Trigger::LeaseLost => self.escalation.begun_without_signal(),
                }
            }
        }
        self.on(Event::Begin(trigger), now)
    }

    /// A signal: the first begins, later ones hurry.
    #[must_use]
    pub(crate) fn signal(
        &mut self,
        signal: Signal,
        readiness: Readiness,
        now: Duration,
    ) -> &'static [Effect] {
        match self.escalation.signal(now, signal) {
            Escalated::Begin(trigger) => self.begin(trigger, readiness, now),
            Escalated::Cap => {
                self.tighten(signal.trigger().into(), now);
                &[]
            }
            Escalated::Hurry => {
                self.tighten(Urgency::Hurry, now);
                self.on(Event::Hurry, now)
            }
            Escalated::Force => {
                self.tighten(Urgency::Force, now);
                self.on(Event::Force, now)
            }
            Escalated::SameBroadcast => &[],
        }
    }

    fn tighten(&mut self, urgency: Urgency, now: Duration) {
        if let Some((plan, _)) = &mut self.begun {
            plan.tighten(urgency, now);
        }
    }

    /// Takes the step of the table, and says what is to be done.
    #[must_use]
    pub(crate) fn on(&mut self, event: Event, now: Duration) -> &'static [Effect] {
        let (next, effects) = step(self.phase, event);
        if next != self.phase {
            if let Some((_, notes)) = &mut self.begun {
                notes.spent(self.phase, now.saturating_sub(self.entered));
            }
            self.phase = next;
            self.entered = now;
        }
        effects
    }
}
