//! Verifying a whole journal: every record of every chain.

mod notes;
mod part;
mod pass;

use std::path::{Path, PathBuf};

use crate::chain::{Chain, Liveness};
use crate::claim::{Claim, Claims};
use crate::folder::{Folder, FolderError};
use crate::line::hash::{Hash, Head};

use part::Extent;
pub use part::{Part, PartError, verify_part};
use pass::Pass;

/// What is known from outside, which a journal alone can't prove.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Heads that were kept elsewhere: each must be in a chain.
    pub heads: Vec<Hash>,
    /// First keys of chains, as [`ChainVerified::key`] gave them: if there are
    /// any, every chain must begin with one of them.
    pub keys: Vec<String>,
}

/// What verifying found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// One for each chain, by name.
    pub chains: Vec<ChainVerified>,
    /// Heads of [`Known`] that are in no chain: records at an end are missing, or a whole chain is.
    pub missing_heads: Vec<Hash>,
    /// Chains that are not there, and in which calls stood that hold an idempotency key.
    pub missing_chains: Vec<String>,
}

/// What verifying found in one chain.
#[derive(Clone, Debug)]
pub struct ChainVerified {
    /// Its name.
    pub chain: String,
    /// What it is worth.
    pub verdict: Verdict,
    /// How many records stand before the first fault, or in all; of a part those that are in it.
    pub records: u64,
    /// The last of them; at a fault in a part the last one that was read.
    pub head: Option<Head>,
    /// Its first public key, as C2SP notes write keys. All later ones follow from it. There is none
    /// where a part was read that does not begin the chain.
    pub key: Option<String>,
    /// Records up to this one are covered by a signed checkpoint.
    pub signed: u64,
    /// Records up to this one were removed because of their age or the journal's size.
    pub removed: u64,
    /// Whether a living process writes it.
    pub writer: Liveness,
    /// Whether the last record that was read is the seal of an orderly end.
    pub ending: Sealing,
}

/// How a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// With a seal.
    Sealed,
    /// Without one: it is still written, or its writer died.
    Open,
}

/// What a chain, or the journal, is worth. The later, the worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every record follows from the one before.
    Whole,
    /// The last write was cut off by a crash; the next start mends it.
    Torn {
        /// Where.
        place: Spot,
        /// How many bytes are no record.
        bytes: u64,
    },
    /// Every record follows from the one before, but the key that signs the chain was lost, so
    /// nothing vouches for the last of them.
    Unsigned {
        /// Where.
        place: Spot,
        /// Records up to this one are signed.
        signed: u64,
    },
    /// Records are missing.
    Gap {
        /// Where.
        place: Spot,
        /// Which.
        why: String,
    },
    /// Records were changed.
    Tampered {
        /// Where.
        place: Spot,
        /// How that shows.
        why: String,
    },
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The segment.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

impl Verdict {
    /// The exit code of `dropgate journal verify`.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::Tampered { .. } => 1,
            Self::Torn { .. } => 2,
            Self::Gap { .. } => 3,
            Self::Unsigned { .. } => 4,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Whole => 0,
            Self::Torn { .. } => 1,
            Self::Unsigned { .. } => 2,
            Self::Gap { .. } => 3,
            Self::Tampered { .. } => 4,
        }
    }
}

impl Verified {
    /// The exit code: tampered before gap before unsigned before torn before whole.
    pub fn code(&self) -> u8 {
        let worst = self
            .chains
            .iter()
            .map(|chain| &chain.verdict)
            .max_by_key(|verdict| verdict.rank());
        match worst.map_or(0, Verdict::code) {
            0 | 2 | 4 if !self.missing_heads.is_empty() || !self.missing_chains.is_empty() => 3,
            code => code,
        }
    }

    /// All records that were verified.
    pub fn records(&self) -> u64 {
        self.chains.iter().map(|chain| chain.records).sum()
    }
}

/// Verifies all chains of the journal in a folder. Changes nothing. Others may write it, and remove
/// what is too old, meanwhile.
///
/// # Errors
/// The folder or a file in it can't be read.
pub fn verify(dir: &Path, known: &Known) -> Result<Verified, FolderError> {
    let folder = Folder::open(dir)?;
    let mut missing = known.heads.clone();
    let claims = Claims::look(&folder)?;
    let chains = Chain::all(&folder)?;
    let mut missing_chains: Vec<String> = claims.iter().map(|claim| claim.chain.clone()).collect();
    missing_chains.sort_unstable();
    missing_chains.dedup();
    missing_chains.retain(|name| chains.iter().all(|chain| chain.name != *name));
    let chains = chains
        .iter()
        .map(|chain| verify_chain(chain, &Extent::WHOLE, &mut missing, &known.keys, &claims))
        .collect::<Result<_, _>>()?;
    Ok(Verified {
        chains,
        missing_heads: missing,
        missing_chains,
    })
}

/// How often a chain is read that is another each time.
const MOST_PASSES: usize = 16;

/// A fault is what is found twice in a row: a chain that somebody writes or shortens looks faulty
/// where it changes, and no longer there the next time.
fn verify_chain(
    chain: &Chain,
    extent: &Extent,
    missing: &mut Vec<Hash>,
    keys: &[String],
    claims: &[Claim],
) -> Result<ChainVerified, FolderError> {
    let mut before = None;
    for _ in 1..MOST_PASSES {
        match Pass::over(chain, extent, missing, claims) {
            Ok(pass) => {
                let found = pass.sum_up(keys)?;
                if found.verdict == Verdict::Whole || before.as_ref() == Some(&found.verdict) {
                    return Ok(found);
                }
                before = Some(found.verdict);
            }
            Err(error) if error.is_missing() => before = None,
            Err(error) => return Err(error),
        }
    }
    Pass::over(chain, extent, missing, claims)?.sum_up(keys)
}
