//! One run of a server: what it lists now against what was pinned.

use std::collections::BTreeMap;

use super::page::{Extent, MAX_TOOLS, ToolPage};
use super::store::{PinStore, Trust};
use crate::decision::{Denial, Reason};

/// What follows from a definition that nobody accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing; nothing is pinned either.
    Off,
    /// It is told, and the tool may be called.
    Warn,
    /// It is told, and the tool is denied.
    Enforce,
}

/// How a tool stands to its pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The definition is the trusted one.
    Unchanged,
    /// The definition is another than the trusted one.
    Changed,
    /// The tool came after trust was established.
    New,
    /// The tool was pinned and is not in the server's whole list.
    Gone,
}

impl Standing {
    /// The name used in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// A tool that is not as it was pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The tool's name.
    pub name: Box<str>,
    /// How it stands; never [`Standing::Unchanged`].
    pub standing: Standing,
    /// The digest of the trusted definition, if there is one.
    pub accepted: Option<Box<str>>,
    /// The digest of what the server offers now, unless it is gone.
    pub offered: Option<Box<str>>,
}

/// Whether the store has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// It is as it was.
    Same,
    /// It has something new in it.
    Write,
}

/// What a page of a list showed.
#[derive(Debug)]
pub struct Observation {
    /// What is to be journalled and told: each difference once, until it changes again.
    pub sightings: Vec<Sighting>,
    /// Whether the store has to be written.
    pub store: Store,
}

/// What the pins say about a call.
#[derive(Debug)]
#[must_use = "a tool that changed has to be denied"]
pub enum PinVerdict {
    /// Nothing speaks against it; it still needs a permit.
    Clear,
    /// The tool is not what was accepted.
    Deny(Denial),
}

/// The pins of a server while it runs.
#[derive(Debug)]
pub struct Pins {
    mode: Mode,
    store: PinStore,
    /// Digests that the server listed in this run.
    listed: BTreeMap<Box<str>, Box<str>>,
    /// What was told already: the standing and the digest offered.
    told: BTreeMap<Box<str>, (Standing, Option<Box<str>>)>,
}

impl Pins {
    /// The pins of a server that starts now.
    #[must_use]
    pub fn new(mode: Mode, store: PinStore) -> Self {
        Self {
            mode,
            store,
            listed: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// The store as it is now, to be written.
    #[must_use]
    pub fn store(&self) -> &PinStore {
        &self.store
    }

    /// Takes a store that was read again, since `dropgate trust` may have changed it.
    ///
    /// What the server listed in this run is still what counts: a tool that was accepted in
    /// another definition than the one listed stays denied.
    pub fn replace_store(&mut self, store: PinStore) {
        self.store = store;
    }

    /// Looks at a page of the server's list.
    pub fn observe(&mut self, page: &ToolPage) -> Observation {
        if self.mode == Mode::Off {
            return Observation {
                sightings: Vec::new(),
                store: Store::Same,
            };
        }
        let before = self.store.clone();
        if page.extent == Extent::Whole {
            self.listed.clear();
        }
        let mut sightings = Vec::new();
        for tool in &page.tools {
            if self.listed.len() < MAX_TOOLS || self.listed.contains_key(tool.name()) {
                self.listed.insert(tool.name().into(), tool.digest().into());
            }
            self.store.record(tool);
            self.tell(tool.name(), self.standing(tool.name()), &mut sightings);
        }
        if page.extent == Extent::Whole {
            let gone = self.store.tools().map(|(name, _pin)| name);
            let gone = gone.filter(|name| !self.listed.contains_key(*name));
            let gone: Vec<Box<str>> = gone.map(Into::into).collect();
            for name in gone {
                self.tell(&name, Standing::Gone, &mut sightings);
            }
        }
        match page.extent {
            Extent::Whole | Extent::Last if self.store.trust() == Trust::FirstSight => {
                self.store.establish();
            }
            Extent::Whole | Extent::Last | Extent::More => {}
        }
        Observation {
            sightings,
            store: if self.store == before {
                Store::Same
            } else {
                Store::Write
            },
        }
    }

    /// Whether a call of `tool` may go on to be authorised.
    pub fn judge(&self, tool: &str) -> PinVerdict {
        match self.mode {
            Mode::Off | Mode::Warn => PinVerdict::Clear,
            Mode::Enforce if !self.listed.contains_key(tool) => PinVerdict::Deny(
                Denial::new(Reason::UnknownTool).because("the server has not listed this tool"),
            ),
            Mode::Enforce => match self.standing(tool) {
                Standing::Unchanged => PinVerdict::Clear,
                Standing::Changed => PinVerdict::Deny(
                    Denial::new(Reason::ToolChanged)
                        .because("the definition changed; `dropgate trust` shows and accepts it"),
                ),
                Standing::New | Standing::Gone => PinVerdict::Deny(
                    Denial::new(Reason::ToolChanged)
                        .because("the tool is new; `dropgate trust` shows and accepts it"),
                ),
            },
        }
    }

    /// How the listed definition of `tool` stands to the trusted one.
    fn standing(&self, tool: &str) -> Standing {
        let accepted = self.store.get(tool).and_then(|pin| pin.accepted());
        match (accepted, self.listed.get(tool)) {
            (Some(accepted), Some(listed)) if accepted.digest == *listed => Standing::Unchanged,
            (Some(_), Some(_)) => Standing::Changed,
            (None, Some(_)) => Standing::New,
            (Some(_) | None, None) => Standing::Gone,
        }
    }

    fn tell(&mut self, name: &str, standing: Standing, sightings: &mut Vec<Sighting>) {
        let offered = self.listed.get(name).cloned();
        if standing == Standing::Unchanged {
            self.told.remove(name);
            return;
        }
        let news = (standing, offered.clone());
        if self.told.get(name) == Some(&news) {
            return;
        }
        self.told.insert(name.into(), news);
        let accepted = self.store.get(name).and_then(|pin| pin.accepted());
        sightings.push(Sighting {
            name: name.into(),
            standing,
            accepted: accepted.map(|recorded| recorded.digest.clone()),
            offered,
        });
    }
}
