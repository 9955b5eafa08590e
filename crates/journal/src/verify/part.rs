//! Verifying a part of one chain.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::chain::Chain;
use crate::claim::Claims;
use crate::folder::{Folder, FolderError};
use crate::line::scan::Line;

use super::{Known, Verified, verify_chain};

/// Which records of which chain are to be verified.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The chain; it may be left out where the journal has one only.
    pub chain: Option<String>,
    /// The first record; nothing is said of those before it. Without one all are verified.
    pub from: Option<u64>,
    /// The last record, which must be there. Without one all that follow are verified.
    pub to: Option<u64>,
}

/// Why a part can't be verified.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A file can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no such chain.
    #[error("the journal has no chain {0}; `journal verify` names those that it has")]
    NoChain(String),
    /// It could be a part of any of them.
    #[error("the journal has {0} chains, and records are numbered in each: name one")]
    WhichChain(usize),
}

/// Verifies a part of one chain as [`verify`](super::verify) does all of them. It is read from the
/// start of the segment that holds the first record, whose key is believed as it stands unless
/// nothing was left out before it, and on to the signed note that covers the last one.
///
/// # Errors
/// The chain is not there or not named, or a file can't be read.
pub fn verify_part(dir: &Path, part: &Part, known: &Known) -> Result<Verified, PartError> {
    let folder = Folder::open(dir)?;
    let chains = Chain::all(&folder)?;
    let chain = match (&part.chain, &chains[..]) {
        (Some(name), chains) => chains.iter().find(|chain| chain.name == *name),
        (None, [only]) => Some(only),
        (None, several) => return Err(PartError::WhichChain(several.len())),
    };
    let chain = chain.ok_or_else(|| PartError::NoChain(part.chain.clone().unwrap_or_default()))?;
    let mut missing = known.heads.clone();
    let extent = Extent::of(part);
    let claims = match (part.from, part.to) {
        (None, None) => Claims::look(&folder)?,
        // Calls that hold a claim may have been recorded in what is not read.
        (_, _) => Vec::new(),
    };
    let verified = verify_chain(chain, &extent, &mut missing, &known.keys, &claims)?;
    Ok(Verified {
        chains: vec![verified],
        missing_heads: missing,
        missing_chains: Vec::new(),
    })
}

/// The numbers of the records that count.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    numbers: RangeInclusive<u64>,
    /// Whether records before them may be passed over.
    pub(super) start: Start,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The chain's first record that is left.
    First,
    /// The segment that holds the first number.
    Within,
}

impl Extent {
    pub(super) const WHOLE: Self = Self {
        numbers: 1..=u64::MAX,
        start: Start::First,
    };

    fn of(part: &Part) -> Self {
        let from = part.from.unwrap_or(1);
        Self {
            numbers: from..=part.to.unwrap_or(u64::MAX),
            start: if part.from.is_some() {
                Start::Within
            } else {
                Start::First
            },
        }
    }

    pub(super) fn from(&self) -> u64 {
        *self.numbers.start()
    }

    pub(super) fn to(&self) -> u64 {
        *self.numbers.end()
    }

    pub(super) fn holds(&self, line: &Line<'_>) -> bool {
        self.numbers.contains(&line.seq)
    }

    /// Whether nothing more needs to be read after a record that a note covers up to `signed`.
    pub(super) fn is_done(&self, signed: u64) -> bool {
        signed >= self.to()
    }

    /// Which of the numbers are not in a chain that is whole from behind `removed` to `end`.
    pub(super) fn lack(&self, removed: u64, end: u64) -> Option<String> {
        // Without a last number there must be the first, and a whole chain may be empty.
        let last = match self.to() {
            u64::MAX if self.start == Start::First => return None,
            u64::MAX => self.from(),
            to => to,
        };
        if last <= removed {
            return Some(format!(
                "records up to {removed} were removed for their age or the journal's size"
            ));
        }
        (last > end).then(|| format!("record {last} is asked for, and the last one is {end}"))
    }
}
