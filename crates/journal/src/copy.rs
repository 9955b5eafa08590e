//! A copy of a chain in another folder, on another disk or machine: the same files, made by a
//! thread of its own from what is durable here.
//!
//! It is always a beginning of the chain's files, so that a copy that was away goes on where it
//! stopped, and nothing has to be kept for it meanwhile.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::folder::{Folder, FolderError, refused, system};
use crate::segment;

/// Where a journal is copied to, and whether that has to succeed.
#[derive(Clone, Debug)]
pub struct Copying {
    /// The folder of the copy; made, for its owner alone, if it is missing.
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

/// How long a thread waits before it tries again after a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// How much is copied at a time.
const CHUNK: usize = 256 << 10;
/// So much of the end of what was copied earlier is held against the journal.
const COMPARED: u64 = 64 << 10;

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
}

#[derive(Default)]
struct State {
    target: Target,
    reached: Target,
    /// Since when something waits to be copied.
    since: Option<Instant>,
    trouble: Option<Arc<str>>,
    leave: bool,
}

/// A place in a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    segment: u64,
    length: u64,
    /// The last record before it.
    seq: u64,
}

impl Copier {
    /// Begins the thread that copies this chain.
    ///
    /// # Errors
    /// The system refused a thread.
    pub(crate) fn begin(settings: Copying, journal: &Path, chain: &str) -> io::Result<Self> {
        let link = Arc::new(Link {
            state: Mutex::default(),
            asked: Condvar::new(),
            done: Condvar::new(),
        });
        let hand = Hand {
            journal: journal.to_owned(),
            copy: settings.dir.clone(),
            chain: chain.to_owned(),
            done: None,
        };
        let other = Arc::clone(&link);
        std::thread::Builder::new()
            .name("dropgate-copy".to_owned())
            .spawn(move || hand.follow(&other))?;
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
    pub(crate) fn hand(&self, segment: u64, length: u64, seq: u64) {
        let mut state = self.link.lock();
        let target = Target {
            segment,
            length,
            seq,
        };
        if target > state.target {
            state.target = target;
            state.since.get_or_insert_with(Instant::now);
            self.link.asked.notify_one();
        }
    }

    /// Waits until all that was handed over is copied, at most this long.
    pub(crate) fn wait(&self, at_most: Duration) -> Waited {
        let (state, _) = self
            .link
            .done
            .wait_timeout_while(self.link.lock(), at_most, |state| {
                state.reached < state.target
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.reached >= state.target {
            return Waited::Done;
        }
        match self.standing(&state) {
            Standing::Near => Waited::Not,
            Standing::Away(why) => Waited::Away(why),
        }
    }

    /// What the record should say, if the copy went away or came back.
    pub(crate) fn turned(&mut self) -> Option<(Standing, String)> {
        let state = self.link.lock();
        let standing = self.standing(&state);
        let text = match (&self.told, &standing) {
            (Standing::Near, Standing::Near) | (Standing::Away(_), Standing::Away(_)) => {
                return None;
            }
            (Standing::Away(_), Standing::Near) if state.reached < state.target => return None,
            (Standing::Away(_), Standing::Near) => "it has all records again".to_owned(),
            (Standing::Near, Standing::Away(why)) => {
                let seq = state.reached.seq;
                format!("it has records up to {seq} of this run only: {why}")
            }
        };
        drop(state);
        self.told = standing.clone();
        Some((standing, text))
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
        Standing::Away(why.unwrap_or_else(|| "it does not answer".into()))
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Done,
    Not,
    Away(Arc<str>),
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
            .wait_while(self.lock(), |state| {
                state.reached >= state.target && !state.leave
            })
            .unwrap_or_else(PoisonError::into_inner);
        (!state.leave).then_some(state.target)
    }

    fn reach(&self, target: Target) {
        let mut state = self.lock();
        state.reached = target;
        state.trouble = None;
        state.since = (state.target > target).then(Instant::now);
        drop(state);
        self.done.notify_all();
    }

    fn rest(&self, why: &FolderError) {
        let mut state = self.lock();
        state.trouble = Some(why.to_string().into());
        let _waited = self
            .asked
            .wait_timeout_while(state, AGAIN, |state| !state.leave);
    }
}

/// The thread's end.
struct Hand {
    journal: PathBuf,
    copy: PathBuf,
    chain: String,
    /// The segment that was copied last.
    done: Option<u64>,
}

impl Hand {
    fn follow(mut self, link: &Link) {
        while let Some(target) = link.next() {
            match self.copy(target) {
                Ok(()) => link.reach(target),
                Err(why) => link.rest(&why),
            }
        }
    }

    fn copy(&mut self, target: Target) -> Result<(), FolderError> {
        let from = Folder::open(&self.journal)?.inner(&self.chain)?;
        let journal = Folder::make(&self.copy)?;
        let to = journal.make_inner(&self.chain)?;
        let first = match self.done {
            Some(number) => number,
            None => {
                journal.sync()?;
                numbers(&to)?.last().copied().unwrap_or(0)
            }
        };
        for number in numbers(&from)? {
            if !(first..=target.segment).contains(&number) {
                continue;
            }
            let until = (number == target.segment).then_some(target.length);
            self.copy_segment(number, until, &from, &to)?;
            self.done = Some(number);
        }
        Ok(())
    }

    /// Adds to the copy of a segment what it lacks, up to a length or to its end.
    fn copy_segment(
        &self,
        number: u64,
        until: Option<u64>,
        from: &Folder,
        to: &Folder,
    ) -> Result<(), FolderError> {
        let name = segment::name(number);
        let (here, there) = (from.path().join(&name), to.path().join(&name));
        // Retention may have removed it meanwhile.
        let Some(source) = from.read_if_there(&name)? else {
            return Ok(());
        };
        let copy = to.write_or_create(&name)?;
        let length = |file: &File, path: &Path| {
            let about = file.metadata().map_err(|error| system(path, error))?;
            Ok::<_, FolderError>(about.len())
        };
        let end = match until {
            Some(until) => until,
            None => length(&source, &here)?,
        };
        let begin = length(&copy, &there)?;
        let is_new = self.done != Some(number);
        if begin > end
            || (is_new && !agree(&source, &copy, begin).map_err(|e| system(&there, e))?)
        {
            let why = "it holds other records than the journal; look at both, then move it away";
            return Err(refused(&there, why));
        }
        let added = add(&source, &copy, begin, end).and_then(|()| copy.sync_data());
        added.map_err(|error| system(&there, error))?;
        if is_new {
            to.sync()?;
        }
        Ok(())
    }
}

fn numbers(chain: &Folder) -> Result<Vec<u64>, FolderError> {
    let names = chain.names()?;
    let number = |name: &String| segment::number(name, "jsonl");
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Whether a copy ends as the journal does there.
fn agree(source: &File, copy: &File, length: u64) -> io::Result<bool> {
    let from = length.saturating_sub(COMPARED);
    let size = usize::try_from(length - from).unwrap_or_default();
    let (mut one, mut other) = (vec![0; size], vec![0; size]);
    match source.read_exact_at(&mut one, from) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    copy.read_exact_at(&mut other, from)?;
    Ok(one == other)
}

fn add(source: &File, copy: &File, begin: u64, end: u64) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut at = begin;
    while at < end {
        let piece = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        let piece = chunk.get_mut(..piece).unwrap_or_default();
        source.read_exact_at(piece, at)?;
        copy.write_all_at(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}
