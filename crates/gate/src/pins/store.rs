//! What was pinned, as a value that fits a small file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::{MAX_DEFINITION, MAX_TOOLS, Sha256, ToolDefinition, digest};
use crate::strict_json;

/// The largest store that is read, in bytes.
pub const MAX_STORE: usize = 64 * 1024 * 1024;

/// The layout that this version writes and reads.
const VERSION: u32 = 1;

/// The pinned tools of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinStore {
    version: u32,
    trust: Trust,
    tools: BTreeMap<Box<str>, Pin>,
}

/// Whether the first complete list was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trust {
    /// Tools are still trusted as they are met.
    FirstSight,
    /// What is not pinned is new.
    Established,
}

/// What is known of one tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pin {
    /// The definition is trusted.
    Accepted(Recorded),
    /// The server now offers another definition than the trusted one.
    Changed {
        /// The trusted one.
        accepted: Recorded,
        /// The one that waits to be accepted.
        offered: Recorded,
    },
    /// The tool came after trust was established and waits to be accepted.
    New(Recorded),
}

/// A definition as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// `sha256:` and the digest of the canonical definition.
    pub digest: Box<str>,
    /// The definition itself; none if it is longer than [`MAX_DEFINITION`].
    pub definition: Option<Value>,
}

/// Why a store can't be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreUnreadable {
    /// It is too large to be one.
    #[error("the pin store is larger than {MAX_STORE} bytes; remove it to trust the server anew")]
    TooLarge,
    /// It is not what a store looks like.
    #[error("the pin store is damaged: {0}; restore it, or remove it to trust the server anew")]
    Damaged(String),
    /// Another version of dropgate wrote it.
    #[error("the pin store has layout {0}, and this dropgate reads layout {VERSION}")]
    Version(u32),
    /// A definition does not have the digest that stands beside it.
    #[error(
        "the pin store is damaged: the digest of tool {0:?} is not that of its definition; \
         restore it, or remove it to trust the server anew"
    )]
    Digest(Box<str>),
}

/// What accepting a tool came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The offered definition is now the trusted one.
    Now,
    /// Nothing waited to be accepted.
    Already,
    /// No tool of that name was ever seen.
    NoSuchTool,
}

impl Default for PinStore {
    fn default() -> Self {
        Self::new()
    }
}

impl PinStore {
    /// A store of a server that was never seen.
    #[must_use]
    pub fn new() -> Self {
        Self {
            version: VERSION,
            trust: Trust::FirstSight,
            tools: BTreeMap::new(),
        }
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// The text is not such a store, or its definitions and digests disagree.
    pub fn from_json(text: &[u8], sha256: Sha256) -> Result<Self, StoreUnreadable> {
        if text.len() > MAX_STORE {
            return Err(StoreUnreadable::TooLarge);
        }
        let damaged = |error: String| StoreUnreadable::Damaged(error);
        let value = strict_json::read(text).map_err(|error| damaged(error.to_string()))?;
        if let Some(version) = value.get("version").and_then(Value::as_u64)
            && version != u64::from(VERSION)
        {
            return Err(StoreUnreadable::Version(
                u32::try_from(version).unwrap_or(u32::MAX),
            ));
        }
        let store: Self =
            serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        for (name, pin) in &store.tools {
            if !pin.recorded().all(|recorded| recorded.is_whole(sha256)) {
                return Err(StoreUnreadable::Digest(name.clone()));
            }
        }
        Ok(store)
    }

    /// The store as JSON, for a file.
    ///
    /// # Errors
    /// Never in practice: every part of a store has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The tools by name.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Pin)> {
        self.tools.iter().map(|(name, pin)| (name.as_ref(), pin))
    }

    /// The trusted definitions, as far as they were kept: what a server is likely to list again.
    pub fn trusted(&self) -> impl Iterator<Item = ToolDefinition> {
        self.tools().filter_map(|(name, pin)| {
            let accepted = pin.accepted()?;
            let definition = accepted.definition.as_ref()?;
            Some(ToolDefinition::recorded(name, &accepted.digest, definition))
        })
    }

    /// Trusts what the server last offered under that name.
    pub fn accept(&mut self, name: &str) -> Accepted {
        match self.tools.get_mut(name) {
            None => Accepted::NoSuchTool,
            Some(pin) => pin.accept(),
        }
    }

    /// Trusts everything that waits; returns the names.
    pub fn accept_all(&mut self) -> Vec<Box<str>> {
        let waiting = self.tools.iter_mut();
        let accepted = waiting.filter_map(|(name, pin)| match pin.accept() {
            Accepted::Now => Some(name.clone()),
            Accepted::Already | Accepted::NoSuchTool => None,
        });
        accepted.collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Pin> {
        self.tools.get(name)
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    pub(super) fn establish(&mut self) {
        self.trust = Trust::Established;
    }

    /// Remembers what the server offers now, without trusting it unless trust is still open.
    pub(super) fn record(&mut self, tool: &ToolDefinition) {
        let Some(pin) = self.tools.get_mut(tool.name()) else {
            if self.tools.len() < MAX_TOOLS {
                let seen = Recorded::of(tool);
                let pin = match self.trust {
                    Trust::FirstSight => Pin::Accepted(seen),
                    Trust::Established => Pin::New(seen),
                };
                self.tools.insert(tool.name().into(), pin);
            }
            return;
        };
        match pin {
            Pin::Accepted(accepted) if *accepted.digest != *tool.digest() => {
                *pin = Pin::Changed {
                    accepted: accepted.clone(),
                    offered: Recorded::of(tool),
                };
            }
            Pin::Changed { accepted, .. } if *accepted.digest == *tool.digest() => {
                *pin = Pin::Accepted(accepted.clone());
            }
            Pin::Changed { offered, .. } | Pin::New(offered) => {
                if *offered.digest != *tool.digest() {
                    *offered = Recorded::of(tool);
                }
            }
            Pin::Accepted(_) => {}
        }
    }
}

impl Pin {
    /// The trusted definition, if there is one.
    #[must_use]
    pub fn accepted(&self) -> Option<&Recorded> {
        match self {
            Self::Accepted(accepted) | Self::Changed { accepted, .. } => Some(accepted),
            Self::New(_) => None,
        }
    }

    /// The definition that waits to be accepted, if one does.
    #[must_use]
    pub fn offered(&self) -> Option<&Recorded> {
        match self {
            Self::Accepted(_) => None,
            Self::Changed { offered, .. } | Self::New(offered) => Some(offered),
        }
    }

    fn recorded(&self) -> impl Iterator<Item = &Recorded> {
        self.accepted().into_iter().chain(self.offered())
    }

    fn accept(&mut self) -> Accepted {
        match self {
            Self::Accepted(_) => Accepted::Already,
            Self::Changed { offered, .. } | Self::New(offered) => {
                *self = Self::Accepted(offered.clone());
                Accepted::Now
            }
        }
    }
}

impl Recorded {
    fn of(tool: &ToolDefinition) -> Self {
        let length = strict_json::canonical(tool.definition()).len();
        Self {
            digest: tool.digest().into(),
            definition: (length <= MAX_DEFINITION).then(|| tool.definition().clone()),
        }
    }

    fn is_whole(&self, sha256: Sha256) -> bool {
        self.definition
            .as_ref()
            .is_none_or(|definition| digest(definition, sha256) == self.digest)
    }
}
