//! Verifying a whole journal: every record of every chain.

use std::path::{Path, PathBuf};

use crate::chain::{Chain, Liveness};
use crate::claim::{Claim, Claims};
use crate::evidence::Evidence;
use crate::folder::{Folder, FolderError, system};
use crate::line::hash::{Hash, Head};
use crate::line::scan::Line;
use crate::line::time::Stamp;
use crate::lines::{Lines, Next};
use crate::record::Fields;
use crate::retention::{Stub, stamp};
use crate::segment::name;
use crate::sign::{MOST_UNSIGNED, Signable, Trust, is_signable};
use crate::walk::{Fault, Later, Walk, later, through};

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
    /// How many records stand before the first fault, or in all.
    pub records: u64,
    /// The last of them.
    pub head: Option<Head>,
    /// Its first public key, as C2SP notes write keys. All later ones follow from it.
    pub key: Option<String>,
    /// Records up to this one are covered by a signed checkpoint.
    pub signed: u64,
    /// Records up to this one were removed because of their age or the journal's size.
    pub removed: u64,
    /// Whether a living process writes it.
    pub writer: Liveness,
    /// Whether its last record is the seal of an orderly end.
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

/// Verifies all chains of the journal in a folder. Changes nothing.
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
        .map(|chain| verify_chain(chain, &mut missing, &known.keys, &claims))
        .collect::<Result<_, _>>()?;
    Ok(Verified {
        chains,
        missing_heads: missing,
        missing_chains,
    })
}

fn verify_chain(
    chain: &Chain,
    missing: &mut Vec<Hash>,
    keys: &[String],
    claims: &[Claim],
) -> Result<ChainVerified, FolderError> {
    // Asked first: a writer that begins meanwhile only adds lines.
    let writer = chain.is_written()?;
    let mut evidence = Evidence::of(chain, claims)?;
    let segments = chain.segments()?;
    let stub = Stub::read(&chain.folder)?;
    let begin = stub.as_ref().and_then(Stub::head);
    let begin = begin.unwrap_or_else(|| Head::before_first(&chain.name));
    let mut walk = Walk::from(Some(begin));
    let mut notes = Notes::new(&chain.name, stub.as_ref());
    let mut result = ChainVerified {
        chain: chain.name.clone(),
        verdict: Verdict::Whole,
        records: 0,
        head: None,
        key: None,
        signed: 0,
        removed: begin.seq,
        writer,
        ending: Sealing::Sealed,
    };
    let mut end = Spot {
        file: chain.folder.path().join(name(1)),
        line: 1,
    };
    for (at, number) in segments.iter().enumerate() {
        let next = segments.get(at + 1).copied();
        let repeated = match next {
            Some(next) => repeats(chain, next)?,
            None => None,
        };
        let mut file = chain.folder.read(&name(*number))?;
        let path = chain.folder.path().join(name(*number));
        let until = repeated.map_or(u64::MAX, |poisoned| poisoned.seq);
        let stop = through(&mut walk, &file, until, &mut |line, raw, _| {
            result.records += 1;
            notes.take(line, raw);
            evidence.take(line, raw);
            result.ending = match line.kind {
                b"seal" if Fields::read(raw).end => Sealing::Sealed,
                _other => Sealing::Open,
            };
            if !missing.is_empty() {
                missing.retain(|hash| hash.text() != line.h);
            }
        })
        .map_err(|source| system(&path, source))?;
        end = Spot {
            file: path.clone(),
            line: stop.line,
        };
        result.head = walk.head().filter(|head| head.seq > 0);
        if let Some((seq, why)) = &notes.fault {
            let line = seq.saturating_sub(walk.head().map_or(0, |head| head.seq) + 1 - stop.line);
            result.verdict = Verdict::Tampered {
                place: Spot { file: path, line },
                why: why.clone(),
            };
            break;
        }
        let Some(fault) = stop.fault else { continue };
        let place = end.clone();
        let after = later(&mut file, stop.length).map_err(|source| system(&path, source))?;
        let bytes = file
            .metadata()
            .map_err(|source| system(&path, source))?
            .len()
            .saturating_sub(stop.length);
        let last = match (next, writer) {
            (Some(_), _) => Last::Not,
            (None, Liveness::Writer) => Last::Written,
            (None, Liveness::Nobody) => Last::Abandoned,
        };
        result.verdict = judge(fault, after, place, bytes, last);
        break;
    }
    let lost = notes.is_keyless()
        || (writer == Liveness::Nobody
            && result.ending == Sealing::Open
            && notes.lacks_key(chain)?);
    if let (Verdict::Whole | Verdict::Torn { .. }, true) = (&result.verdict, lost) {
        let signed = notes.trust.as_ref().map_or(0, |trust| trust.signed);
        let place = end.clone();
        result.verdict = Verdict::Unsigned { place, signed };
    }
    if let (Verdict::Whole | Verdict::Torn { .. } | Verdict::Unsigned { .. }, Some(worse)) = (
        &result.verdict,
        evidence.against(walk.head().map_or(0, |head| head.seq), writer, end),
    ) {
        result.verdict = worse;
    }
    result.key.clone_from(&notes.root);
    result.signed = notes.trust.as_ref().map_or(0, |trust| trust.signed);
    let known = |key: &String| keys.contains(key);
    if matches!(result.verdict, Verdict::Whole | Verdict::Unsigned { .. })
        && !keys.is_empty()
        && !result.key.as_ref().is_some_and(known)
    {
        result.verdict = Verdict::Tampered {
            place: Spot {
                file: chain.folder.path().to_owned(),
                line: 1,
            },
            why: "the chain begins with a key that is none of those given".to_owned(),
        };
    }
    Ok(result)
}

/// The signed notes along a chain.
struct Notes {
    chain: String,
    root: Option<String>,
    trust: Option<Trust>,
    /// The record and what is wrong with its note, or with the lack of one.
    fault: Option<(u64, String)>,
    /// The seal of somebody who had no key to sign it with.
    unsigned: Option<u64>,
}

impl Notes {
    fn new(chain: &str, stub: Option<&Stub>) -> Self {
        let mut notes = Self {
            chain: chain.to_owned(),
            root: None,
            trust: None,
            fault: None,
            unsigned: None,
        };
        if let Some(stub) = stub {
            notes.begin(&stub.key, stamp(&stub.since));
            for (seq, hash, at, note) in &stub.notes {
                let hash = Hash::parse(hash.as_bytes());
                let followed = match (&mut notes.trust, hash) {
                    (Some(trust), Some(hash)) => {
                        trust.follow(note, &Head { seq: *seq, hash }, stamp(at))
                    }
                    (_, _) => Err("it can not be read"),
                };
                if let Err(why) = followed {
                    notes.fault =
                        Some((0, format!("the stub of removed segments is false: {why}")));
                }
            }
            if let Some(trust) = &mut notes.trust {
                trust.signed = stub.last;
            }
        }
        notes
    }

    fn is_keyless(&self) -> bool {
        self.unsigned.is_some()
    }

    /// Whether nobody can sign what the end of the chain says: whoever wrote it is gone, and the
    /// key with him.
    fn lacks_key(&self, chain: &Chain) -> Result<bool, FolderError> {
        let signs = self.trust.as_ref().map(Trust::public);
        Ok(is_signable(&chain.folder, &chain.name, signs)? == Signable::No)
    }

    fn begin(&mut self, key: &str, at: Stamp) {
        self.trust = Trust::root(&self.chain, key, at);
        self.root = self.trust.as_ref().map(Trust::verifier_key);
    }

    fn take(&mut self, line: &Line<'_>, raw: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if let Err(why) = self.check(line, raw) {
            self.fault = Some((line.seq, why.to_owned()));
        }
    }

    fn check(&mut self, line: &Line<'_>, raw: &[u8]) -> Result<(), &'static str> {
        let at = || line.stamp().unwrap_or_default();
        if line.seq == 1 {
            self.begin(Fields::read(raw).public_key().unwrap_or_default(), at());
        }
        if self.unsigned.is_some() {
            return Err("it follows the end of a chain whose key was lost");
        }
        let trust = self
            .trust
            .as_mut()
            .ok_or("the chain does not begin with a public key")?;
        match line.kind {
            b"checkpoint" | b"seal" => {
                let fields = Fields::read(raw);
                if line.kind == b"seal" && fields.end && fields.is_unsigned() {
                    self.unsigned = Some(line.seq);
                    return Ok(());
                }
                let note = fields.signed_note().ok_or("it has no signed note")?;
                let hash = Hash::parse(line.prev).ok_or("it has no hash before it")?;
                let head = Head {
                    seq: line.seq - 1,
                    hash,
                };
                trust.follow(note, &head, at())
            }
            _other if line.seq - trust.signed > MOST_UNSIGNED => {
                Err("no signed checkpoint covers it, and the writer would have made one")
            }
            _other => Ok(()),
        }
    }
}

/// What a segment says that begins where the one before it could not be written on.
pub(crate) struct Poisoned {
    pub(crate) seq: u64,
}

/// Whether the segment was begun in place of the end of the one before it.
pub(crate) fn repeats(chain: &Chain, number: u64) -> Result<Option<Poisoned>, FolderError> {
    let path = chain.folder.path().join(name(number));
    let mut lines = Lines::new(chain.folder.read(&name(number))?, 0);
    let next = lines.next().map_err(|source| system(&path, source))?;
    Ok(match next {
        Next::Line(_, raw) => Line::read(raw)
            .filter(|line| line.kind == b"segment" && Fields::read(raw).poisoned)
            .map(|line| Poisoned { seq: line.seq }),
        Next::Odd(_) | Next::End(_) => None,
    })
}

fn judge(fault: Fault, after: Later, place: Spot, bytes: u64, last: Last) -> Verdict {
    match (fault, after, last) {
        (Fault::Form, Later::Nothing, Last::Written) => Verdict::Whole,
        (Fault::Form, Later::Nothing, Last::Abandoned) => Verdict::Torn { place, bytes },
        (Fault::Seq { expected, found }, _, _) if found > expected => Verdict::Gap {
            place,
            why: format!("records {expected} to {} are missing", found - 1),
        },
        (
            Fault::Form
            | Fault::Hash
            | Fault::Prev
            | Fault::Seq { .. }
            | Fault::Time
            | Fault::Cut { .. },
            Later::Nothing | Later::Unsynced | Later::Synced,
            Last::Written | Last::Abandoned | Last::Not,
        ) => Verdict::Tampered {
            place,
            why: fault.to_string(),
        },
    }
}

/// Whether a segment is the last one, and still written.
#[derive(Clone, Copy)]
enum Last {
    Written,
    Abandoned,
    Not,
}
