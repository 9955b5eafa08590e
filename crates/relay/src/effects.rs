//! What the tree tells, and what the gate decided about it, carried out.

use std::time::Duration;

use dropgate_gate::breaker::Ended;
use dropgate_gate::call::Standing;
use dropgate_gate::doomed::doomed;
use dropgate_gate::in_flight::Unanswered;
use dropgate_gate::refusal::Refusal;
use dropgate_gate::shutdown::{Effect, Event, Phase, Trigger};
use dropgate_process as process;

use crate::call_id::CallId;
use crate::ending::FAREWELL;
use crate::lane::Regard;
use crate::pump::Turned;
use crate::relay::{Owner, Relay};
use crate::settlement::Told;
use crate::tree_end::Zero;
use crate::upstream::stdio::Why;

/// How long the last bytes of an ended server may take to reach a slow host.
const LAST_WORDS: Duration = Duration::from_millis(250);

impl Relay {
    pub(crate) async fn heed_tree(&mut self) {
        for event in self.tree.take_events() {
            match event {
                process::Event::LeaderExited(exit) => {
                    self.hear_last_words().await;
                    self.end.leader_exited(exit);
                    match self.shutdown.phase() {
                        Phase::Running => self.begin(Trigger::ServerExited),
                        Phase::Draining
                        | Phase::Cancelling
                        | Phase::Closing
                        | Phase::Terminating
                        | Phase::Killing
                        | Phase::Done => self.on(Event::LeaderExited),
                    }
                }
                process::Event::HostDied => {
                    self.begin(Trigger::HostDied);
                    let left = self.shutdown.time_left(self.now());
                    self.tree.alive(left + FAREWELL);
                }
                process::Event::GuardLost => {
                    self.owner = Owner::Us;
                    self.begin(Trigger::GuardLost);
                }
                process::Event::Empty(force) => {
                    self.hear_last_words().await;
                    self.end.emptied(force);
                    self.end_with_tree();
                }
                process::Event::Survivors(survivors) => {
                    self.end.resisted(survivors);
                }
            }
        }
    }

    pub(crate) fn end_with_tree(&mut self) {
        if self.shutdown.phase() == Phase::Running {
            self.begin(Trigger::ServerExited);
        }
        self.on(Event::TreeEmpty);
    }

    /// Reads what an ended server left in its pipes: an answer that was written
    /// is an answer. Bounded, as another process may go on writing.
    pub(crate) async fn hear_last_words(&mut self) {
        let until = tokio::time::Instant::now() + LAST_WORDS;
        loop {
            match self.pump_from_server(Regard::Nothing) {
                Turned::More => {}
                Turned::Ended => break,
                Turned::Stuck => {
                    if !self.downstream_has_backlog() {
                        break;
                    }
                    if tokio::time::timeout_at(until, self.host_gets_on())
                        .await
                        .is_err()
                    {
                        break;
                    }
                    self.heed_journal();
                }
            }
            if tokio::time::Instant::now() >= until {
                break;
            }
        }
        self.log.drain();
    }

    pub(crate) fn carry_out(&mut self, effects: &'static [Effect]) {
        for effect in effects {
            match effect {
                Effect::StopAdmitting => {
                    let now = self.now();
                    self.checks.stop_admitting(now);
                    self.heed_checks(now);
                }
                Effect::CancelDoomed => self.cancel_doomed(),
                Effect::CancelRest => self.cancel_rest(),
                Effect::AnswerRest => self.answer_rest(),
                Effect::CloseStdin => self.close_stdin(),
                Effect::Terminate => self.terminate(),
                Effect::Kill => self.kill(),
                Effect::Report => self.look_for_survivors(),
            }
        }
    }

    /// Without the proof that nobody is left, whoever is there is named.
    pub(crate) fn look_for_survivors(&mut self) {
        match self.end.zero() {
            Zero::Seen => self.end.name_nobody(),
            Zero::NotSeen => {
                // The guard did not manage in its time, so this process tries.
                self.end.taken_over(self.tree.take_over());
            }
        }
    }

    pub(crate) fn cancel_doomed(&mut self) {
        let now = self.now();
        let settings = &self.settings;
        let doomed = doomed(
            &self.calls,
            &self.latencies,
            |tool| settings.tools.known(tool).settings.on_shutdown,
            now,
            self.shutdown.drain_budget(now),
        );
        for id in doomed.into_iter().chain(self.subscriptions()) {
            self.cancel(&id);
        }
    }

    pub(crate) fn cancel_rest(&mut self) {
        // The handshake can not be cancelled; before it nothing else runs.
        if self.answered_once {
            let all: Vec<CallId> = self.calls.iter().map(|(id, _, _)| id.clone()).collect();
            for id in all {
                self.cancel(&id);
            }
        }
    }

    pub(crate) fn cancel(&mut self, id: &CallId) {
        match self.calls.mark_cancel_sent(id) {
            Some(Standing::Waiting) => self.upstream.cancel(id, Why::Shutdown),
            Some(Standing::CancelledByHost | Standing::CancelSent) | None => {}
        }
        self.upstream.outlet.flush(&mut self.downstream.intake);
    }

    pub(crate) fn answer_rest(&mut self) {
        let now = self.now();
        self.turn_away_unsent(&Refusal::draining());
        let (refusal, ended) = match self.end.leader() {
            Some(_) => (Refusal::unknown_server_exit(), Ended::UpstreamExited),
            None => (Refusal::unknown_at_shutdown(), Ended::NotTried),
        };
        for Unanswered { finished, answer } in self.calls.drain_all(&refusal) {
            match answer {
                Some(refusal) => {
                    self.answer_finished(finished, refusal, ended, Told::nothing(), now);
                }
                None => {
                    self.close_case(finished, ended, Told::nothing(), now);
                }
            }
        }
        self.flush_downstream();
    }

    pub(crate) fn close_stdin(&mut self) {
        self.upstream.outlet.flush(&mut self.downstream.intake);
        self.upstream.outlet.close();
    }

    pub(crate) fn terminate(&mut self) {
        self.end.signal();
        self.tree.terminate();
    }

    pub(crate) fn kill(&mut self) {
        self.end.signal();
        match self.owner {
            Owner::Guard => self.tree.kill(),
            Owner::Us => match self.end.taken_over(self.tree.take_over()) {
                Zero::Seen => self.on(Event::TreeEmpty),
                Zero::NotSeen => {}
            },
        }
    }
}
