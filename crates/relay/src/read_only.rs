//! What the mode asks for, carried out: the write path is probed, changes are told and recorded.

use std::time::Duration;

use dropgate_gate::checks::{Ping, Probable};
use dropgate_gate::mode::{Class, Effect, Listed, Probed, Standing};
use dropgate_gate::outcome::Outcome;
use dropgate_gate::shutdown::Phase;
use dropgate_journal as journal;
use dropgate_wire::{Line, edit, reply};

use crate::call_id::CallId;
use crate::cleaning::Leaving;
use crate::docket::Asked;
use crate::listed_tools::without_writers;
use crate::relay::Relay;
use crate::upstream::stdio::Why;
use crate::write_probe::Heard;

impl Relay {
    /// Whether a probe could be sent at present. A sleeping server is not woken up for one.
    pub(crate) fn probable(&self) -> Probable {
        if self.write_probe.may_begin() {
            self.reachable()
        } else {
            Probable::NotNow
        }
    }

    /// Whether a server is there that answers.
    fn reachable(&self) -> Probable {
        let running = self.shutdown.phase() == Phase::Running;
        let awake = !self.tree.is_asleep() && !self.hibernation.holds_messages();
        if running && awake && self.answered_once {
            Probable::Now
        } else {
            Probable::NotNow
        }
    }

    /// Tries the server's breaker by a ping where nothing else does: a probe of the write path is
    /// its trial as well.
    pub(crate) fn try_server(&mut self, now: Duration) {
        if self.write_probe.tool().is_some() {
            return;
        }
        let possible = self.reachable();
        self.checks.ping_server(possible, now);
    }

    /// Records what the breakers did, and does what the mode asks for.
    pub(crate) fn heed_checks(&mut self, now: Duration) {
        let Self {
            checks,
            settings,
            listed,
            ..
        } = self;
        let class_of = |tool: &str| listed.class(tool, &settings.tools.known(tool).settings);
        let Some(news) = checks.take_news(class_of, now) else {
            return;
        };
        match news.ping {
            Ping::Send => self.send_ping(),
            Ping::None => {}
        }
        self.count_permits(news.permits);
        for change in news.changes {
            self.record_breaker(&change);
        }
        for effect in news.effects {
            match effect {
                Effect::Probe { .. } => self.send_probe(),
                Effect::ProbeLost => {
                    if let Some(id) = self.write_probe.give_up() {
                        self.upstream.cancel(&id, Why::TimedOut);
                        self.flush_upstream();
                    }
                }
                Effect::Record { from, to } => self.record_mode(from, to),
                Effect::ListChanged => self.tell_list_changed(),
            }
        }
    }

    /// A server that does not read gets no further probe; the time of this one runs all the same.
    fn send_probe(&mut self) {
        if self.upstream.outlet.has_backlog() {
            return;
        }
        if let Some(message) = self.write_probe.next() {
            self.upstream.outlet.say(&message);
            self.flush_upstream();
        }
    }

    /// As with a probe: what is not sent counts as not answered.
    fn send_ping(&mut self) {
        if self.upstream.outlet.has_backlog() {
            return;
        }
        if let Some(message) = self.write_probe.next_ping() {
            self.upstream.outlet.say(&message);
            self.flush_upstream();
        }
    }

    /// The server answered a call that is none of the host's: perhaps a probe.
    pub(crate) fn hear_probe(&mut self, id: &CallId, outcome: Outcome, now: Duration) -> Heard {
        let heard = self.write_probe.hear(id);
        if heard == Heard::Awaited && self.write_probe.tool().is_none() {
            // Whatever it says, it answers.
            self.checks.pinged(now);
            self.try_server(now);
            self.heed_checks(now);
        } else if heard == Heard::Awaited {
            let probed = match outcome {
                Outcome::Completed => Probed::Good,
                Outcome::ToolError
                | Outcome::RpcError
                | Outcome::Cancelled
                | Outcome::TimedOut
                | Outcome::Denied
                | Outcome::Shed
                | Outcome::NotExecuted
                | Outcome::Unknown => Probed::Failed,
            };
            self.checks.probed(probed, now);
            self.heed_checks(now);
        }
        heard
    }

    fn record_mode(&mut self, from: Standing, to: Standing) {
        let mut text = format!("{} to {}", from.name(), to.name());
        if let Standing::ReadOnly { why, .. } = to {
            text = format!("{text}: {}", why.name());
        }
        self.log.warn(&format!("mode: {text}"));
        self.recorder.note(journal::Note {
            topic: journal::Topic::Mode,
            call: None,
            subject: "server".into(),
            text: text.into(),
        });
    }

    /// Once to a host that expects it: after a handshake if the server said there that its list
    /// may change, otherwise to each request that asked to be told.
    fn tell_list_changed(&mut self) {
        if self.write_probe.has_handshake() && self.listed.may_change() {
            self.downstream.outlet.say(&reply::tools_list_changed(None));
        }
        for (id, call, _) in self.calls.iter() {
            let item = self.docket.get(call.slot());
            if item.is_some_and(|item| item.asked == Asked::ToolChanges) {
                let message = reply::tools_list_changed(Some(&id.raw()));
                self.downstream.outlet.say(&message);
            }
        }
        self.flush_downstream();
    }

    /// Leaves the tools that write out of the server's list while only reading is possible, if that
    /// is configured.
    pub(crate) fn without_writers(&self, line: &Line, leaving: Leaving) -> Leaving {
        if self.checks.listed(Class::Write) == Listed::Shown {
            return leaving;
        }
        let rules = &self.settings.tools;
        let class_of = |tool: &str| self.listed.class(tool, &rules.known(tool).settings);
        let shown = leaving.bytes(&self.upstream, line).and_then(|list| {
            let mut shown = without_writers(list.strip_suffix(b"\n").unwrap_or(list), class_of)?;
            shown.push(b'\n');
            Some(shown)
        });
        shown.map_or(leaving, Leaving::Instead)
    }

    /// The server answered the handshake.
    pub(crate) fn learn_capabilities(&mut self, line: &Line) {
        let Line::Whole(span, _) = line else { return };
        let mut part = self.upstream.intake.lines.bytes(span.clone());
        for name in ["result", "capabilities", "tools", "listChanged"] {
            match edit::members(part, [name]) {
                Some([Some(at)]) => part = part.get(at).unwrap_or_default(),
                Some([None]) | None => return,
            }
        }
        if part == b"true" {
            self.listed.note_that_it_may_change();
        }
    }
}
