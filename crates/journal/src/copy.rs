//! A copy of a journal in another folder, on another disk or machine: the same files, made by a
//! thread of its own from what is durable here.
//!
//! It is always a beginning of the chain's files, so that a copy that was away goes on where it
//! stopped, and nothing has to be kept for it meanwhile.

mod hand;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::folder::FolderError;
use crate::line::hash::Head;
use crate::shared::Shared;

pub(crate) use hand::MARK;
use hand::{Hand, Lost};

/// Where a journal is copied to, and whether that has to succeed.
#[derive(Clone, Debug)]
pub struct Copying {
    /// The folder of the copy; made, for its owner alone, if it is missing. The one above it must
    /// be there.
    pub dir: PathBuf,
    /// What has to have a record before it counts as recorded.
    pub require: Require,
    /// After this time a copy that has not taken a record counts as away.
    pub within: Duration,
}

/// What has to have a record before it counts as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// The journal and its copy.
    All,
    /// The journal; the copy follows.
    Any,
}

impl Copying {
    /// How long the last records are waited for at the end of a run, as long as the copy takes
    /// records: one time for what it is just taking, and one for the rest.
    pub(crate) fn at_the_end(&self) -> Duration {
        match self.require {
            Require::All => self.within * 2,
            Require::Any => LAST,
        }
    }
}

/// Called when something changed that the journal's owner waits for.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// How long a thread waits before it tries again after a failure.
const AGAIN: Duration = Duration::from_millis(200);
/// How long the last records may take to reach a copy that may be missing, or is.
const LAST: Duration = Duration::from_millis(200);
/// How often the writer looks at a copy that is away.
const LOOK: Duration = Duration::from_millis(50);

/// The writer's end.
pub(crate) struct Copier {
    link: Arc<Link>,
    settings: Copying,
    told: Standing,
}

/// How the copy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has, or soon has, what it was given.
    Near,
    /// It is away, for this reason.
    Away(Arc<str>),
}

struct Link {
    state: Mutex<State>,
    asked: Condvar,
    done: Condvar,
    require: Require,
    shared: Arc<Shared>,
    wake: Wake,
}

#[derive(Default)]
struct State {
    target: Option<Target>,
    reached: Option<Target>,
    /// Since when something waits to be copied.
    since: Option<Instant>,
    trouble: Option<Arc<str>>,
    lost: VecDeque<Lost>,
    leave: bool,
}

/// A place in a chain up to which all is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) segment: u64,
    pub(crate) length: u64,
    /// The last record before it.
    pub(crate) head: Head,
    /// The last entry of the writer's before it.
    pub(crate) nth: u64,
}

impl Target {
    fn place(&self) -> (u64, u64) {
        (self.segment, self.length)
    }
}

impl State {
    fn waits(&self) -> bool {
        let place = |target: Option<Target>| target.map(|it| it.place());
        place(self.reached) < place(self.target)
    }
}

/// A chain that nobody writes, and where it ends.
pub(crate) type Finished = (String, Target);

impl Copier {
    /// Begins the thread that copies the chain, after those that nobody writes.
    ///
    /// # Errors
    /// The system refused a thread.
    pub(crate) fn begin(
        settings: Copying,
        journal: &Path,
        chain: &str,
        finished: Vec<Finished>,
        (shared, wake): (Arc<Shared>, Wake),
    ) -> io::Result<Self> {
        if settings.require == Require::All {
            shared.require_copy();
        }
        let link = Arc::new(Link {
            state: Mutex::default(),
            asked: Condvar::new(),
            done: Condvar::new(),
            require: settings.require,
            shared,
            wake,
        });
        let hand = |chain: &str| Hand::new(journal, &settings.dir, chain);
        let ours = hand(chain);
        let finished = finished
            .into_iter()
            .map(|(chain, target)| (hand(&chain), target))
            .collect();
        let other = Arc::clone(&link);
        std::thread::Builder::new()
            .name("dropgate-copy".to_owned())
            .spawn(move || follow(&other, finished, ours))?;
        Ok(Self {
            link,
            settings,
            told: Standing::Near,
        })
    }

    pub(crate) fn require(&self) -> Require {
        self.settings.require
    }

    /// Lets the chain be copied up to here, which is durable. Waits for nothing.
    pub(crate) fn hand(&self, target: Target) {
        let mut state = self.link.lock();
        if state.target.map(|it| it.place()) < Some(target.place()) {
            state.target = Some(target);
            state.since.get_or_insert_with(Instant::now);
            self.link.asked.notify_one();
        }
    }

    /// Waits until all that was handed over is copied, as long as there is time for that at the end.
    pub(crate) fn wait(&self) -> Waited {
        let at_most = match self.stands() {
            Standing::Near => self.settings.at_the_end(),
            Standing::Away(_) => LAST,
        };
        let (state, _) = self
            .link
            .done
            .wait_timeout_while(self.link.lock(), at_most, |state| state.waits())
            .unwrap_or_else(PoisonError::into_inner);
        if state.waits() {
            Waited::Not
        } else {
            Waited::Done
        }
    }

    /// When the writer is to look at the copy again, if it is.
    pub(crate) fn look_within(&self) -> Option<Duration> {
        match &self.told {
            Standing::Away(_) => Some(LOOK),
            Standing::Near => {
                let since = self.link.lock().since?;
                Some(
                    self.settings
                        .within
                        .saturating_sub(since.elapsed())
                        .max(LOOK),
                )
            }
        }
    }

    /// What the record should say, if the copy went away or came back, or lacks records for good.
    pub(crate) fn turned(&mut self) -> Option<(Standing, String)> {
        let mut state = self.link.lock();
        let standing = self.standing(&state);
        let text = match (&self.told, &standing) {
            (Standing::Near, Standing::Near) => state.lost.pop_front()?.to_string(),
            (Standing::Away(_), Standing::Away(_)) => return None,
            (Standing::Away(_), Standing::Near) if state.waits() => return None,
            (Standing::Away(_), Standing::Near) => match state.lost.pop_front() {
                None => "it has all records again".to_owned(),
                Some(lost) => format!("it takes records again; {lost}"),
            },
            (Standing::Near, Standing::Away(why)) => {
                let seq = state.reached.map_or(0, |reached| reached.head.seq);
                format!("it has records up to {seq} of this run only: {why}")
            }
        };
        drop(state);
        self.told = standing.clone();
        Some((standing, text))
    }

    fn stands(&self) -> Standing {
        self.standing(&self.link.lock())
    }

    /// The folder of the copy.
    pub(crate) fn place(&self) -> String {
        self.settings.dir.display().to_string()
    }

    fn standing(&self, state: &State) -> Standing {
        let late = |since: Instant| since.elapsed() > self.settings.within;
        if !state.since.is_some_and(late) {
            return Standing::Near;
        }
        let why = state.trouble.clone();
        Standing::Away(why.unwrap_or_else(|| "it has not taken in time what it was given".into()))
    }
}

impl Drop for Copier {
    /// The thread may hang in its disk, and is not waited for.
    fn drop(&mut self) {
        self.link.lock().leave = true;
        self.link.asked.notify_one();
    }
}

/// What came of waiting for a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Done,
    Not,
}

/// Whether the thread goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    Away,
}

/// What the thread does until the writer is gone.
fn follow(link: &Link, finished: Vec<(Hand, Target)>, mut ours: Hand) {
    for (mut hand, target) in finished {
        while let Err(why) = hand.copy(&target) {
            if link.rest(&why) == Goes::Away {
                return;
            }
        }
        link.lock().lost.extend(hand.lost());
    }
    while let Some(target) = link.next() {
        match ours.copy(&target) {
            Ok(()) => link.reach(target, ours.lost()),
            Err(why) => {
                let _next_sees_it_as_well = link.rest(&why);
            }
        }
    }
}

impl Link {
    /// A thread that panicked while it held the lock has left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be copied next; nothing once the writer is gone.
    fn next(&self) -> Option<Target> {
        let state = self
            .asked
            .wait_while(self.lock(), |state| !state.waits() && !state.leave)
            .unwrap_or_else(PoisonError::into_inner);
        state.target.filter(|_| !state.leave)
    }

    fn reach(&self, target: Target, lost: Option<Lost>) {
        let mut state = self.lock();
        state.reached = Some(target);
        state.trouble = None;
        state.lost.extend(lost);
        state.since = state.waits().then(Instant::now);
        drop(state);
        self.done.notify_all();
        if self.require == Require::All {
            self.shared.publish_copied(target.nth);
            (self.wake)();
        }
    }

    fn rest(&self, why: &FolderError) -> Goes {
        let mut state = self.lock();
        state.trouble = Some(why.to_string().into());
        let (state, _) = self
            .asked
            .wait_timeout_while(state, AGAIN, |state| !state.leave)
            .unwrap_or_else(PoisonError::into_inner);
        if state.leave { Goes::Away } else { Goes::On }
    }
}
