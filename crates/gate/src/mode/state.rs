//! The mode as a machine: facts come in, and what is possible follows from all of them together.

use std::collections::BTreeSet;
use std::time::Duration;

use super::catalogue::Catalogue;
use super::class::Class;
use super::probe::{Fallen, Path, ProbeSettings, Probed, Schedule};
use super::refusal;
use super::standing::{Standing, Why};
use crate::breaker::{MAX_NAME, MAX_TOOLS};
use crate::refusal::Refusal;

/// So many writing tools with an open breaker mean that writing as such is down; fewer, if the
/// server has fewer.
pub const WRITERS_DOWN: usize = 2;

/// What `tools/list` shows while only reading is possible; `[read_only] mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Listing {
    /// All tools: a host's cached prompt stays good, and calls of writing tools are refused.
    #[default]
    Refuse,
    /// The tools that read.
    Hide,
}

/// Whether a tool is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listed {
    /// It is in the list.
    Shown,
    /// It is left out.
    Hidden,
}

/// Settings of the mode; `[read_only]` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    /// How the write path is probed, if it is.
    pub probe: Option<ProbeSettings>,
    /// What `tools/list` shows.
    pub listing: Listing,
    /// The time of the caller's origin, since 1970-01-01 UTC, so that answers can name a date.
    pub origin: Duration,
}

/// Something that bears on the mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// Time has passed.
    Time,
    /// The breaker of this tool is no longer closed.
    BreakerOpened(&'a str, Class),
    /// The breaker of this tool is closed again, or gone.
    BreakerClosed(&'a str),
    /// The breaker of the upstream is no longer closed.
    UpstreamOpened,
    /// The breaker of the upstream is closed again.
    UpstreamClosed,
    /// A breaker waits for a probe.
    ProbeWanted,
    /// What became of the probe that [`Effect::Probe`] asked for last. An answer to an earlier one
    /// comes too late, and must not be told.
    Probed(Probed),
    /// The journal can't make records durable.
    JournalFails,
    /// It can again.
    JournalWorks,
    /// The lease of the credentials for writing is gone.
    LeaseGone,
    /// There is one again.
    LeaseHeld,
    /// An operator wants reading only.
    OperatorReadOnly,
    /// An operator leaves it to the facts.
    OperatorAuto,
    /// Shutdown has begun: no probe any more.
    Draining,
}

/// What the caller has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Send the probe, and tell its answer by [`Event::Probed`]. If none comes it is lost by itself.
    Probe {
        /// When it is lost, since the caller's origin.
        until: Duration,
    },
    /// Forget the probe: it is lost. The breakers that took it for a trial get it back unused.
    ProbeLost,
    /// Put this change on record.
    Record {
        /// What was possible.
        from: Standing,
        /// What is possible.
        to: Standing,
    },
    /// Tell the host that the list of tools changed: once whenever reading-only begins or ends.
    ListChanged,
}

/// Whether a call may go on to its breaker.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a refused call is owed its answer"]
pub enum Judgement {
    /// It may.
    Run,
    /// It may as the trial of a half-open breaker. Ask the breaker: if it admits the call as any
    /// other, give that back, and refuse in these words.
    OnlyAsTrial(Refusal),
    /// It may not.
    Refuse(Refusal),
}

/// What is possible at present, and what that follows from.
#[derive(Debug)]
pub struct Mode {
    settings: Settings,
    catalogue: Catalogue,
    schedule: Schedule,
    path: Path,
    journal: Holds,
    lease: Holds,
    operator: Holds,
    upstream: Holds,
    open_readers: BTreeSet<Box<str>>,
    open_writers: BTreeSet<Box<str>>,
    standing: Standing,
}

/// Whether a condition for writing holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holds {
    Yes,
    No,
}

impl Mode {
    /// Everything is possible, and the first probe is due at once. `seed` spreads the probes.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64, now: Duration) -> Self {
        Self {
            settings: *settings,
            catalogue: Catalogue::default(),
            schedule: Schedule::new(settings.probe.as_ref(), seed, now),
            path: Path::WORKS,
            journal: Holds::Yes,
            lease: Holds::Yes,
            operator: Holds::Yes,
            upstream: Holds::Yes,
            open_readers: BTreeSet::new(),
            open_writers: BTreeSet::new(),
            standing: Standing::Normal,
        }
    }

    /// Takes note of something.
    pub fn step(&mut self, event: Event<'_>, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Time => {
                let fallen = self.schedule.tick(&mut self.path, now);
                effects.extend(fallen.map(|fallen| match fallen {
                    Fallen::Begins { until } => Effect::Probe { until },
                    Fallen::Lost => Effect::ProbeLost,
                }));
            }
            Event::BreakerOpened(tool, class) => self.note_open(tool, class),
            Event::BreakerClosed(tool) => {
                self.open_readers.remove(tool);
                self.open_writers.remove(tool);
            }
            Event::UpstreamOpened => self.upstream = Holds::No,
            Event::UpstreamClosed => self.upstream = Holds::Yes,
            Event::ProbeWanted => self.schedule.hurry(now),
            Event::Probed(probed) => self.schedule.answered(&mut self.path, probed, now),
            Event::JournalFails => self.journal = Holds::No,
            Event::JournalWorks => self.journal = Holds::Yes,
            Event::LeaseGone => self.lease = Holds::No,
            Event::LeaseHeld => self.lease = Holds::Yes,
            Event::OperatorReadOnly => self.operator = Holds::No,
            Event::OperatorAuto => self.operator = Holds::Yes,
            Event::Draining => self.schedule.end(),
        }
        self.follow(now, &mut effects);
        effects
    }

    /// The server's tools, in the order of its list: which are named to a model that may only
    /// read, and how many write.
    pub fn tools<'a>(
        &mut self,
        tools: impl IntoIterator<Item = (&'a str, Class)>,
        now: Duration,
    ) -> Vec<Effect> {
        self.catalogue = Catalogue::of(tools);
        let mut effects = Vec::new();
        self.follow(now, &mut effects);
        effects
    }

    /// Whether a call of this class may go on to its breaker.
    pub fn judge(&self, class: Class, now: Duration) -> Judgement {
        match (class, self.standing) {
            (Class::Read, _)
            | (
                Class::Write,
                Standing::Normal | Standing::Degraded { .. } | Standing::Offline { .. },
            ) => Judgement::Run,
            (
                Class::Write,
                Standing::ReadOnly {
                    why: why @ Why::Breakers,
                    ..
                },
            ) => Judgement::OnlyAsTrial(self.refusal(why, now)),
            (
                Class::Write,
                Standing::ReadOnly {
                    why: why @ (Why::Operator | Why::Journal | Why::Lease | Why::Probe),
                    ..
                },
            ) => Judgement::Refuse(self.refusal(why, now)),
        }
    }

    /// Whether `tools/list` shows a tool of this class.
    #[must_use]
    pub fn listed(&self, class: Class) -> Listed {
        match (self.settings.listing, self.standing, class) {
            (Listing::Hide, Standing::ReadOnly { .. }, Class::Write) => Listed::Hidden,
            (
                Listing::Hide | Listing::Refuse,
                Standing::Normal
                | Standing::Degraded { .. }
                | Standing::ReadOnly { .. }
                | Standing::Offline { .. },
                Class::Read | Class::Write,
            ) => Listed::Shown,
        }
    }

    /// What is possible at present.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The tools whose breakers are open, those that read before those that write.
    pub fn open_tools(&self) -> impl Iterator<Item = &str> {
        self.open_readers
            .iter()
            .chain(&self.open_writers)
            .map(|name| &**name)
    }

    /// When [`Event::Time`] is next needed, since the caller's origin.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.schedule.next_due()
    }

    /// The sets hold no more than the breakers have tools.
    fn note_open(&mut self, tool: &str, class: Class) {
        let set = match class {
            Class::Read => &mut self.open_readers,
            Class::Write => &mut self.open_writers,
        };
        if set.len() < MAX_TOOLS && tool.len() <= MAX_NAME {
            set.insert(tool.into());
        }
    }

    /// Follows the facts: tells what changed, and the host once if reading-only begins or ends.
    fn follow(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let from = self.standing;
        let to = self.follows(now).carried_on_from(from);
        if to == from {
            return;
        }
        self.standing = to;
        effects.push(Effect::Record { from, to });
        let read_only = |it| matches!(it, Standing::ReadOnly { .. });
        if read_only(from) != read_only(to) {
            effects.push(Effect::ListChanged);
        }
    }

    /// What the facts amount to, as if it began now.
    fn follows(&self, now: Duration) -> Standing {
        if let Some(why) = self.reasons().min() {
            return Standing::ReadOnly { why, since: now };
        }
        match (self.upstream, self.open_tools().next()) {
            (Holds::No, _) => Standing::Offline { since: now },
            (Holds::Yes, Some(_)) => Standing::Degraded { since: now },
            (Holds::Yes, None) => Standing::Normal,
        }
    }

    /// All reasons why only reading is possible.
    fn reasons(&self) -> impl Iterator<Item = Why> {
        Why::ALL.into_iter().filter(|why| match why {
            Why::Operator => self.operator == Holds::No,
            Why::Journal => self.journal == Holds::No,
            Why::Lease => self.lease == Holds::No,
            Why::Probe => self.path.wants() > 0,
            Why::Breakers => {
                let down = self.catalogue.writers().clamp(1, WRITERS_DOWN);
                self.open_writers.len() >= down
            }
        })
    }

    fn refusal(&self, why: Why, now: Duration) -> Refusal {
        let next = self.schedule.next_due().unwrap_or(now).saturating_sub(now);
        let every = self.schedule.every();
        let retry_after = match why {
            Why::Operator => None,
            Why::Journal | Why::Lease | Why::Breakers => Some(every),
            Why::Probe => Some(next + every * self.path.wants().saturating_sub(1)),
        };
        let since = self.standing.since().unwrap_or(now);
        refusal::read_only(
            why,
            self.settings.origin.saturating_add(since),
            retry_after,
            self.catalogue
                .readers()
                .filter(|name| !self.open_readers.contains(*name)),
        )
    }
}
