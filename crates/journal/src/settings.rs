//! What a journal is to be like.

use std::path::PathBuf;
use std::time::Duration;

use crate::clear::Clear;
use crate::copy::Copying;

/// Where the journal is, and its limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder; made, for its owner alone, if it is missing.
    pub dir: PathBuf,
    /// An entry that is not safe this long after the writer was told of it makes the journal
    /// [failing](crate::State::Failing). Time in which its owner was busy or stopped before that
    /// is not the disk's fault.
    pub commit_within: Duration,
    /// A segment of this size is sealed and another begun.
    pub segment_bytes: u64,
    /// So is one of this age.
    pub segment_age: Duration,
    /// Sealed segments older than this are removed.
    pub keep: Duration,
    /// The oldest sealed segments are removed while all chains together are larger than this.
    pub max_bytes: u64,
    /// How long an idempotency key is remembered.
    pub key_ttl: Duration,
    /// How long a call that nobody knows the outcome of is matched with a repetition of it.
    pub orphan_window: Duration,
    /// What to do about a chain that was changed by others.
    pub damage: Damage,
    /// Arguments that may stand in the journal as they are; none unless they are named.
    pub clear: Clear,
    /// Where this writer's chain is copied to, if anywhere.
    pub copy: Option<Copying>,
    /// The most entries that wait for the disk.
    pub queue_entries: usize,
    /// About how many bytes of entries wait for the disk at most.
    pub queue_bytes: usize,
}

/// What to do about a chain that was changed by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Damage {
    /// Refuse to open the journal.
    #[default]
    Refuse,
    /// Leave that chain alone, record that it is damaged, and go on with another. Later starts do
    /// the same as long as the same is wrong with it.
    Accept,
}

impl Settings {
    /// The defaults, in this folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            dir: dir.into(),
            commit_within: Duration::from_secs(2),
            segment_bytes: 64 << 20,
            segment_age: 24 * HOUR,
            keep: 30 * 24 * HOUR,
            max_bytes: 1 << 30,
            key_ttl: 24 * HOUR,
            orphan_window: HOUR / 6,
            damage: Damage::Refuse,
            clear: Clear::default(),
            copy: None,
            queue_entries: 16_384,
            queue_bytes: 64 << 20,
        }
    }
}
