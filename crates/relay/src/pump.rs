//! Bytes move when they may be moved: what one direction does in a turn, and when it is allowed to.

use std::time::Duration;

use dropgate_gate::shutdown::Trigger;

use crate::endpoint::Moved;
use crate::lane::{Outflow, Regard};
use crate::relay::Relay;

/// How many reads one direction may do before the other gets its turn.
const READS_PER_TURN: usize = 4;
/// So long after its first read a turn does no further one: some lines cost a
/// hundred times as much as others, and signals and deadlines are looked at
/// only between turns.
const LONG_TURN: Duration = Duration::from_millis(5);
/// How long a buffer that grew for a long message is kept for the next one.
pub(crate) const TRIM_AFTER: Duration = Duration::from_secs(1);
/// How often it is looked whether the host is gone, while nothing of it is read.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Relay {
    /// Moves what can be moved without waiting, in both directions.
    pub(crate) fn pump(&mut self) -> Pumped {
        let from_host = self.pump_from_host();
        let from_server = self.pump_from_server(Regard::Readiness);
        self.log.pump();
        if [from_host, from_server].contains(&Turned::More) {
            Pumped::More
        } else {
            Pumped::Dry
        }
    }

    fn pump_from_host(&mut self) -> Turned {
        let mut turn = Turn::default();
        for _ in 0..READS_PER_TURN {
            match self.flush_upstream() {
                Outflow::Clear => self.look_at = None,
                // A server that closed its stdin mostly is about to end.
                Outflow::Broken => {
                    self.look_at = None;
                    if !self.tree.is_asleep() {
                        let now = self.now();
                        self.stdout_closed.get_or_insert(now);
                    }
                }
                Outflow::Waiting | Outflow::Held => {
                    let soon = self.now() + LOOK_EVERY;
                    self.look_at.get_or_insert(soon);
                    return Turned::Stuck;
                }
            }
            if !self.downstream.intake.is_open() || !self.downstream_wants_reading() {
                return Turned::Stuck;
            }
            match self.downstream.intake.read(Regard::Readiness) {
                Moved::Bytes(_) => {
                    self.judge_host_lines();
                    if turn.is_long(self.now()) {
                        break;
                    }
                }
                Moved::NotNow => return Turned::Stuck,
                Moved::Closed => {
                    self.judge_host_lines();
                    self.flush_upstream();
                    self.host_ended();
                    return Turned::Ended;
                }
            }
        }
        Turned::More
    }

    pub(crate) fn pump_from_server(&mut self, regard: Regard) -> Turned {
        let mut turn = Turn::default();
        for _ in 0..READS_PER_TURN {
            if matches!(self.flush_downstream(), Outflow::Waiting | Outflow::Held) {
                return Turned::Stuck;
            }
            if !self.upstream.intake.is_open() || !self.upstream_wants_reading() {
                return Turned::Stuck;
            }
            match self.upstream.intake.read(regard) {
                Moved::Bytes(_) => {
                    self.judge_server_lines();
                    if turn.is_long(self.now()) {
                        break;
                    }
                }
                Moved::NotNow => return Turned::Stuck,
                Moved::Closed => {
                    self.judge_server_lines();
                    self.stdout_closed = Some(self.now());
                    return Turned::Ended;
                }
            }
        }
        Turned::More
    }

    pub(crate) fn flush_upstream(&mut self) -> Outflow {
        if self.downstream.intake.is_held_up() {
            self.wake_up();
        }
        if self.hibernation.holds_messages() {
            return match self.upstream.outlet.flush_own() {
                Outflow::Clear if self.downstream.intake.is_held_up() => Outflow::Waiting,
                other @ (Outflow::Clear | Outflow::Waiting | Outflow::Held | Outflow::Broken) => {
                    other
                }
            };
        }
        self.upstream.outlet.flush(&mut self.downstream.intake)
    }

    pub(crate) fn flush_downstream(&mut self) -> Outflow {
        let was_open = self.downstream.outlet.is_open();
        let outflow = self.downstream.outlet.flush(&mut self.upstream.intake);
        self.note_delivered();
        if was_open && !self.downstream.outlet.is_open() {
            self.begin(Trigger::BrokenPipe);
        }
        outflow
    }

    pub(crate) fn downstream_wants_reading(&self) -> bool {
        !self.downstream.intake.is_held_up()
            && !self.upstream.outlet.has_backlog()
            && !self.downstream.outlet.is_congested()
    }

    pub(crate) fn upstream_wants_reading(&self) -> bool {
        !self.upstream.intake.is_held_up() && !self.downstream.outlet.has_backlog()
    }

    pub(crate) fn upstream_has_backlog(&self) -> bool {
        if self.hibernation.holds_messages() {
            self.upstream.outlet.has_backlog()
        } else {
            self.upstream
                .outlet
                .has_free_backlog(&self.downstream.intake)
        }
    }

    pub(crate) fn downstream_has_backlog(&self) -> bool {
        self.upstream.intake.is_held_up() || self.downstream.outlet.has_backlog()
    }

    /// Something that may be written waits for the host to read.
    pub(crate) fn host_may_be_written_to(&self) -> bool {
        self.downstream
            .outlet
            .has_free_backlog(&self.upstream.intake)
    }

    pub(crate) fn note_activity(&mut self, now: Duration) {
        self.hibernation.active(now);
        if self.downstream.intake.is_roomy() || self.upstream.intake.is_roomy() {
            self.trim_at = Some(now + TRIM_AFTER);
        }
    }
}

/// Whether a turn ended because there was nothing left to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    Dry,
    More,
}

/// How a turn of one direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// There may be more to read.
    More,
    /// There is nothing to read at present, or no room for it.
    Stuck,
    /// The stream has ended.
    Ended,
}

/// When the first read of a turn was judged.
#[derive(Debug, Default)]
struct Turn(Option<Duration>);

impl Turn {
    fn is_long(&mut self, now: Duration) -> bool {
        now >= *self.0.get_or_insert(now) + LONG_TURN
    }
}
