//! What is known of the end of the server's tree: how it came, and whether anybody is left.

use dropgate_process::{Exit, Force, Process};

/// The end of one run's tree, as far as it has come.
#[derive(Debug)]
pub(crate) struct TreeEnd {
    leader: Option<Exit>,
    signalled: Signalled,
    force: Force,
    survivors: Vec<Process>,
    zero: Zero,
}

/// Whether the server was sent a signal before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signalled {
    Never,
    BeforeItsEnd,
}

/// Whether it was observed that nobody of the tree is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zero {
    NotSeen,
    Seen,
}

impl TreeEnd {
    /// Of a tree that lives.
    pub(crate) fn ahead() -> Self {
        Self {
            leader: None,
            signalled: Signalled::Never,
            force: Force::None,
            survivors: Vec::new(),
            zero: Zero::NotSeen,
        }
    }

    /// The first process ended.
    pub(crate) fn leader_exited(&mut self, exit: Exit) {
        self.leader = Some(exit);
    }

    /// The tree is sent a signal.
    pub(crate) fn signal(&mut self) {
        if self.leader.is_none() {
            self.signalled = Signalled::BeforeItsEnd;
        }
    }

    /// The guard saw that nobody is left, after this force.
    pub(crate) fn emptied(&mut self, force: Force) {
        if force == Force::Killed {
            self.force = force;
        }
        self.zero = Zero::Seen;
    }

    /// Some outlived the guard's SIGKILL.
    pub(crate) fn resisted(&mut self, survivors: Vec<Process>) {
        self.force = Force::Killed;
        self.survivors = survivors;
    }

    /// Some outlived being put to sleep.
    pub(crate) fn stayed_awake(&mut self, survivors: Vec<Process>) {
        self.survivors = survivors;
    }

    /// This process killed the tree itself, and these are left: whether that is nobody.
    pub(crate) fn taken_over(&mut self, survivors: Vec<Process>) -> Zero {
        self.resisted(survivors);
        if self.survivors.is_empty() {
            self.zero = Zero::Seen;
            Zero::Seen
        } else {
            Zero::NotSeen
        }
    }

    /// Nobody is left, so nobody is named.
    pub(crate) fn name_nobody(&mut self) {
        self.survivors.clear();
    }

    pub(crate) fn leader(&self) -> Option<Exit> {
        self.leader
    }

    pub(crate) fn signalled(&self) -> Signalled {
        self.signalled
    }

    pub(crate) fn force(&self) -> Force {
        self.force
    }

    pub(crate) fn zero(&self) -> Zero {
        self.zero
    }

    pub(crate) fn survivors(&self) -> &[Process] {
        &self.survivors
    }
}
