//! The exit code of `dropgate run`, documented API.

/// Calls were cancelled by the shutdown.
pub const CALLS_CANCELLED: u8 = 10;
/// The outcome of a call is unknown.
pub const OUTCOMES_UNKNOWN: u8 = 11;
/// The server's tree had to be killed with SIGKILL.
pub const TREE_KILLED: u8 = 12;

/// The journal could not be brought to an orderly end.
pub const JOURNAL_NOT_SEALED: u8 = 13;

/// How the server's first process left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code.
    Code(u8),
    /// It died of this signal.
    Signal(u8),
}

/// What had been done to the server before its first process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerEnd {
    /// Nothing: its stdin was open and no signal had been sent.
    ByItself(Status),
    /// Its stdin had been closed, and no signal had been sent.
    AfterStdinClosed(Status),
    /// A signal had been sent, or the end was never seen.
    AfterSignal,
}

/// How the server's tree ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeEnd {
    /// Every process left without SIGKILL.
    Left,
    /// SIGKILL was needed.
    Killed,
}

/// How the journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalEnd {
    /// None was kept.
    NotKept,
    /// With a seal.
    Sealed,
    /// Without one.
    NotSealed,
}

/// All that the exit code is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// How the server's first process ended.
    pub server: ServerEnd,
    /// Calls that this shutdown cancelled. What the host cancelled is not among them.
    pub cancelled: usize,
    /// Calls that reached the server and got no answer from it.
    pub unknown: usize,
    /// How the rest of the tree ended.
    pub tree: TreeEnd,
    /// How the journal ended.
    pub journal: JournalEnd,
}

/// The exit code: a server that ends by itself is spoken for by its own code, whatever it left
/// behind; otherwise the worst of what the shutdown had to do; otherwise the server's code if
/// closing its stdin was enough; otherwise 0.
#[must_use]
pub fn exit_code(ending: &Ending) -> u8 {
    match (ending.server, worst(ending)) {
        (ServerEnd::ByItself(status), _) | (ServerEnd::AfterStdinClosed(status), None) => {
            as_shell(status)
        }
        (ServerEnd::AfterStdinClosed(_) | ServerEnd::AfterSignal, Some(code)) => code,
        (ServerEnd::AfterSignal, None) => 0,
    }
}

fn worst(ending: &Ending) -> Option<u8> {
    match ending.journal {
        JournalEnd::NotSealed => return Some(JOURNAL_NOT_SEALED),
        JournalEnd::NotKept | JournalEnd::Sealed => {}
    }
    match ending.tree {
        TreeEnd::Killed => Some(TREE_KILLED),
        TreeEnd::Left if ending.unknown > 0 => Some(OUTCOMES_UNKNOWN),
        TreeEnd::Left if ending.cancelled > 0 => Some(CALLS_CANCELLED),
        TreeEnd::Left => None,
    }
}

fn as_shell(status: Status) -> u8 {
    match status {
        Status::Code(code) => code,
        Status::Signal(number) => 128_u8.saturating_add(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_ending() {
        use ServerEnd::{AfterSignal, AfterStdinClosed, ByItself};
        use Status::{Code, Signal};
        use TreeEnd::{Killed, Left};
        let rows = [
            (ByItself(Code(0)), 0, 0, Left, 0),
            (ByItself(Code(3)), 0, 0, Left, 3),
            (ByItself(Code(3)), 0, 1, Left, 3),
            (ByItself(Code(3)), 1, 1, Killed, 3),
            (ByItself(Signal(11)), 0, 1, Left, 139),
            (AfterStdinClosed(Code(0)), 0, 0, Left, 0),
            (AfterStdinClosed(Code(7)), 0, 0, Left, 7),
            (AfterStdinClosed(Signal(6)), 0, 0, Left, 134),
            (AfterStdinClosed(Code(7)), 1, 0, Left, 10),
            (AfterStdinClosed(Code(0)), 0, 0, Killed, 12),
            (AfterSignal, 0, 0, Left, 0),
            (AfterSignal, 2, 0, Left, 10),
            (AfterSignal, 2, 1, Left, 11),
            (AfterSignal, 2, 1, Killed, 12),
            (ByItself(Signal(255)), 0, 0, Left, 255),
        ];
        for (server, cancelled, unknown, tree, code) in rows {
            let ending = Ending {
                journal: JournalEnd::Sealed,
                server,
                cancelled,
                unknown,
                tree,
            };
            assert_eq!(exit_code(&ending), code, "{ending:?}");
        }
    }

    #[test]
    fn a_journal_without_a_seal_outweighs_what_the_shutdown_did() {
        let ending = Ending {
            server: ServerEnd::AfterSignal,
            cancelled: 1,
            unknown: 1,
            tree: TreeEnd::Killed,
            journal: JournalEnd::NotSealed,
        };
        assert_eq!(exit_code(&ending), JOURNAL_NOT_SEALED);
        let ending = Ending {
            journal: JournalEnd::NotKept,
            ..ending
        };
        assert_eq!(exit_code(&ending), TREE_KILLED);
    }
}
