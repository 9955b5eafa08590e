//! Shutdown: what follows on what ([`step`]), how long it may take ([`plan`]), and what the
//! operator's signals mean ([`signals`]).

pub mod plan;
pub mod signals;
mod step;
mod table;

pub use plan::{Plan, Profile, Readiness, Settings, Source, Urgency};
pub use signals::{Escalated, Escalation, Signal};
pub use step::step;
pub use table::table;

/// Why a shutdown begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The host closed dropgate's stdin.
    Eof,
    /// The host no longer reads dropgate's stdout.
    BrokenPipe,
    /// The host's process ended.
    HostDied,
    /// SIGTERM to dropgate.
    Sigterm,
    /// SIGINT to dropgate.
    Sigint,
    /// SIGHUP to dropgate.
    Sighup,
    /// SIGQUIT to dropgate.
    Sigquit,
    /// The server's first process ended by itself.
    ServerExited,
    /// The guard process is gone, so nobody would clean up after dropgate.
    GuardLost,
    /// A lease of the server's secrets has ended and can't be renewed.
    LeaseLost,
}

impl Trigger {
    /// Every trigger, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Eof,
        Self::BrokenPipe,
        Self::HostDied,
        Self::Sigterm,
        Self::Sigint,
        Self::Sighup,
        Self::Sigquit,
        Self::ServerExited,
        Self::GuardLost,
        Self::LeaseLost,
    ];

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::BrokenPipe => "epipe",
            Self::HostDied => "host_died",
            Self::Sigterm => "sigterm",
            Self::Sigint => "sigint",
            Self::Sighup => "sighup",
            Self::Sigquit => "sigquit",
            Self::ServerExited => "server_exited",
            Self::GuardLost => "guard_lost",
            Self::LeaseLost => "lease_lost",
        }
    }
}

/// How far a shutdown has come. The order of the variants is the order of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// No shutdown: calls are admitted.
    Running,
    /// New calls are refused; open ones may finish.
    Draining,
    /// Every open call has been cancelled; the server may confirm.
    Cancelling,
    /// Every call is answered and the server's stdin is closed; it may leave.
    Closing,
    /// The tree has been sent SIGTERM.
    Terminating,
    /// The tree is being killed, until it is seen to be empty.
    Killing,
    /// The report is out.
    Done,
}

impl Phase {
    /// Every phase, in the order of the ladder.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Draining,
        Self::Cancelling,
        Self::Closing,
        Self::Terminating,
        Self::Killing,
        Self::Done,
    ];

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Cancelling => "cancelling",
            Self::Closing => "closing",
            Self::Terminating => "terminating",
            Self::Killing => "killing",
            Self::Done => "done",
        }
    }
}

/// What can happen to a shutdown.
///
/// Before it reports [`Event::LeaderExited`] or [`Event::TreeEmpty`], the caller reads what the
/// server has left in its stdout: an answer that was written is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A reason to shut down. In a shutdown that goes on already it only caps the plan, unless
    /// it is one that leaves nothing to wait for.
    Begin(Trigger),
    /// No call is open that anybody waits for.
    Settled,
    /// The only open calls are such that dropgate has cancelled.
    OnlyCancelledLeft,
    /// The time of this phase is up.
    PhaseOver,
    /// The operator's second signal.
    Hurry,
    /// The operator's third signal, or SIGQUIT.
    Force,
    /// The server's first process has ended. Others of its tree may live.
    LeaderExited,
    /// No process of the tree is left.
    TreeEmpty,
}

impl Event {
    /// Every event, in the order of the enum.
    pub const ALL: [Self; 17] = [
        Self::Begin(Trigger::Eof),
        Self::Begin(Trigger::BrokenPipe),
        Self::Begin(Trigger::HostDied),
        Self::Begin(Trigger::Sigterm),
        Self::Begin(Trigger::Sigint),
        Self::Begin(Trigger::Sighup),
        Self::Begin(Trigger::Sigquit),
        Self::Begin(Trigger::ServerExited),
        Self::Begin(Trigger::GuardLost),
        Self::Begin(Trigger::LeaseLost),
        Self::Settled,
        Self::OnlyCancelledLeft,
        Self::PhaseOver,
        Self::Hurry,
        Self::Force,
        Self::LeaderExited,
        Self::TreeEmpty,
    ];

    /// The name used in the table: a trigger goes by its own.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Begin(trigger) => trigger.name(),
            Self::Settled => "settled",
            Self::OnlyCancelledLeft => "only_cancelled_left",
            Self::PhaseOver => "phase_over",
            Self::Hurry => "hurry",
            Self::Force => "force",
            Self::LeaderExited => "leader_exited",
            Self::TreeEmpty => "tree_empty",
        }
    }
}

/// What the caller does, in the order given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Refuse new calls from now on.
    StopAdmitting,
    /// Cancel the calls that can't finish in time ([`crate::doomed::doomed`]).
    CancelDoomed,
    /// Cancel every call that is still waiting.
    CancelRest,
    /// Answer every open call ([`crate::in_flight::InFlight::drain_all`]).
    AnswerRest,
    /// Close the server's stdin.
    CloseStdin,
    /// Send SIGTERM to the tree.
    Terminate,
    /// Send SIGKILL to the tree, again and again until it is empty.
    Kill,
    /// Write the report. It names the survivors, if there are any.
    Report,
}

impl Effect {
    /// The name used in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StopAdmitting => "stop_admitting",
            Self::CancelDoomed => "cancel_doomed",
            Self::CancelRest => "cancel_rest",
            Self::AnswerRest => "answer_rest",
            Self::CloseStdin => "close_stdin",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
            Self::Report => "report",
        }
    }
}
