//! What the loop sees of the end, and when nobody is left to wait for.

use std::time::Duration;

use dropgate_gate::in_flight::Open;
use dropgate_gate::kind::Kind;
use dropgate_gate::refusal::Refusal;
use dropgate_gate::shutdown::{Event, Phase, Readiness, Trigger};
use dropgate_process::Force;

use crate::call_id::CallId;
use crate::docket::Item;
use crate::endpoint::Moved;
use crate::lane::Regard;
use crate::relay::Relay;

/// A host that ends its input this soon after a request had it all ready.
const PIPED_WITHIN: Duration = Duration::from_millis(250);
/// How long the host may take to read the last answers and the log's end.
pub(crate) const FAREWELL: Duration = Duration::from_millis(500);

impl Relay {
    /// Whether the server has ever done anything worth waiting for.
    ///
    /// Requests that are piped in, with the end of the input right behind them,
    /// are waited for as well: nobody has had the time yet to find the server
    /// silent.
    pub(crate) fn readiness(&self) -> Readiness {
        let piped = self
            .last_call
            .is_some_and(|at| self.now() < at + PIPED_WITHIN);
        let waited_for = self
            .calls
            .iter()
            .any(|(_, call, _)| piped || call.kind() == Kind::ToolCall);
        if self.answered_once || waited_for {
            Readiness::Initialised
        } else {
            Readiness::Uninitialised
        }
    }

    /// Tells the shutdown when nobody is left to wait for.
    pub(crate) fn settle(&mut self) {
        if self.tree.is_asleep() {
            return self.end_asleep();
        }
        let open = if self.has_unsent() {
            Open::Waiting
        } else {
            self.calls.open()
        };
        let event = match (self.shutdown.phase(), open) {
            (Phase::Draining | Phase::Cancelling, Open::Settled) => Event::Settled,
            (Phase::Draining, Open::OnlyCancelled) => Event::OnlyCancelledLeft,
            (Phase::Draining | Phase::Cancelling, Open::Waiting | Open::OnlyCancelled)
            | (
                Phase::Running | Phase::Closing | Phase::Terminating | Phase::Killing | Phase::Done,
                _,
            ) => return,
        };
        self.on(event);
    }

    /// Requests that are open for as long as the connection is.
    pub(crate) fn subscriptions(&self) -> Vec<CallId> {
        let open = self.calls.iter();
        let subscriptions = open.filter(|(_, call, _)| {
            let item = self.docket.get(call.slot());
            item.is_some_and(Item::is_subscription)
        });
        subscriptions.map(|(id, _, _)| id.clone()).collect()
    }

    /// A host that ends the connection has cancelled what lasts as long as that: no drain waits
    /// for it.
    pub(crate) fn end_subscriptions(&mut self, trigger: Trigger) {
        match trigger {
            Trigger::Eof | Trigger::BrokenPipe | Trigger::HostDied => {
                for id in self.subscriptions() {
                    let _standing = self.calls.host_cancelled(&id);
                }
            }
            Trigger::Sigterm
            | Trigger::Sigint
            | Trigger::Sighup
            | Trigger::Sigquit
            | Trigger::ServerExited
            | Trigger::GuardLost
            | Trigger::LeaseLost => {}
        }
    }

    pub(crate) fn host_ended(&mut self) {
        self.begin(Trigger::Eof);
        if self.tree.is_asleep() {
            self.end_asleep();
        }
    }

    /// A sleeping server has no tree left that a shutdown could wait for.
    pub(crate) fn end_asleep(&mut self) {
        match self.shutdown.phase() {
            Phase::Running | Phase::Done => {}
            Phase::Draining
            | Phase::Cancelling
            | Phase::Closing
            | Phase::Terminating
            | Phase::Killing => {
                self.end.emptied(Force::None);
                self.end_with_tree();
            }
        }
    }

    /// Reads once what the host had written before it could know of the end, and answers each
    /// request: none is sent on. How many bytes that were, none where nobody listens.
    pub(crate) fn hear_last_requests(&mut self) -> usize {
        if !self.downstream.outlet.is_open() || !self.downstream.intake.is_open() {
            return 0;
        }
        let heard = match self.downstream.intake.read(Regard::Nothing) {
            Moved::Bytes(count) => count,
            Moved::NotNow => return 0,
            Moved::Closed => 0,
        };
        self.judge_host_lines();
        self.turn_away_unsent(&Refusal::draining());
        // The way to the server is closed, so what would have passed goes nowhere.
        self.upstream.outlet.flush(&mut self.downstream.intake);
        self.flush_downstream();
        heard
    }
}
