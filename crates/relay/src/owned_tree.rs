//! The server's tree as the loop sees it: a source of news that may be absent
//! while the server sleeps.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use dropgate_process::{Event, Grace, Level, Process, Stopped, Tree};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::registration::register;

/// A tree, or the memory of one.
#[derive(Debug)]
pub(crate) struct OwnedTree {
    level: Level,
    awake: Option<Awake>,
}

#[derive(Debug)]
struct Awake {
    /// A copy of the tree's descriptor, for the event loop. Goes first.
    news: AsyncFd<OwnedFd>,
    tree: Tree,
}

impl OwnedTree {
    pub(crate) fn new(tree: Tree) -> io::Result<Self> {
        let news = register(tree.as_fd().try_clone_to_owned()?, Interest::READABLE)?;
        Ok(Self {
            level: tree.level(),
            awake: Some(Awake { news, tree }),
        })
    }

    pub(crate) fn is_asleep(&self) -> bool {
        self.awake.is_none()
    }

    /// The server's first process; 0 while it sleeps.
    pub(crate) fn leader_pid(&self) -> u32 {
        let pid = self
            .awake
            .as_ref()
            .map_or(0, |awake| awake.tree.leader().pid);
        u32::try_from(pid).unwrap_or_default()
    }

    /// The level in force, or the last one.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    pub(crate) fn poll_news(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.awake {
            Some(awake) => awake.news.poll_read_ready(cx).map(drop),
            None => Poll::Pending,
        }
    }

    /// What happened since the last call.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        let Some(awake) = &self.awake else {
            return Vec::new();
        };
        // Cleared before the look, so that what comes after it wakes again.
        let _nothing_was_read = awake.news.try_io(Interest::READABLE, |_| {
            Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock))
        });
        awake.tree.take_events()
    }

    pub(crate) fn check_guard(&self) {
        if let Some(awake) = &self.awake {
            awake.tree.check_guard();
        }
    }

    /// Answers the guard's question. That the guard is gone shows elsewhere.
    pub(crate) fn alive(&self, done_in: Duration) {
        if let Some(awake) = &self.awake {
            let _guard_lost = awake.tree.alive(done_in);
        }
    }

    /// SIGTERM to all. That the guard is gone shows elsewhere.
    pub(crate) fn terminate(&self) {
        if let Some(awake) = &self.awake {
            let _guard_lost = awake.tree.terminate();
        }
    }

    /// SIGKILL to all. That the guard is gone shows elsewhere.
    pub(crate) fn kill(&self) {
        if let Some(awake) = &self.awake {
            let _guard_lost = awake.tree.kill();
        }
    }

    /// Empties the tree in the guard's place; what resisted is returned.
    pub(crate) fn take_over(&self) -> Vec<Process> {
        self.awake
            .as_ref()
            .map(|awake| awake.tree.take_over().survivors)
            .unwrap_or_default()
    }

    /// Stops the tree and forgets it, unless something of it resists.
    pub(crate) fn put_to_sleep(&mut self, grace: Grace) -> Stopped {
        let asleep = Stopped {
            survivors: Vec::new(),
            force: dropgate_process::Force::None,
            leader: None,
        };
        let stopped = self
            .awake
            .as_ref()
            .map_or(asleep, |awake| awake.tree.stop(grace));
        if stopped.survivors.is_empty() {
            self.awake = None;
        }
        stopped
    }

    /// Gives up the tree, which ends the guard.
    pub(crate) fn release(&mut self) {
        self.awake = None;
    }
}
