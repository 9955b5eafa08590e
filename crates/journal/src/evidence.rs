//! What else on the disk says that records were there: the mark beside a chain, and the claims on
//! idempotency keys whose calls it recorded.

use std::ops::ControlFlow;

use crate::CallRef;
use crate::chain::{Chain, Liveness};
use crate::claim::Claim;
use crate::folder::{FolderError, system};
use crate::line::hash::Head;
use crate::line::scan::Line;
use crate::line::time::Stamp;
use crate::mark::{Mark, Reach, reach};
use crate::record::Fields;
use crate::retention::Stub;
use crate::segment::{First, name};
use crate::verify::{Spot, Verdict};
use crate::walk::{Fault, Later, Walk, later, through};

/// What is known of one chain from outside its segments, while somebody reads them.
pub(crate) struct Evidence {
    mark: Option<Head>,
    /// The record that the mark names is another one.
    other: Option<u64>,
    /// Calls that hold a claim, and since when, as long as they may have been recorded and nothing
    /// was read of it; only where there is no mark.
    claimed: Vec<(CallRef, Stamp)>,
}

impl Evidence {
    /// Read before the segments: a writer that goes on meanwhile only adds to them.
    pub(crate) fn of(chain: &Chain, claims: &[Claim]) -> Result<Self, FolderError> {
        let mark = Mark::read(&chain.folder)?;
        let removed = Stub::read(&chain.folder)?.map_or(0, |stub| stub.last);
        // Of segments that retention removed nothing can be missing.
        let from = match removed {
            0 => 0,
            _some => chain.segments()?.first().copied().unwrap_or(0),
        };
        let named = claims
            .iter()
            .filter(|claim| mark.is_none() && claim.chain == chain.name && claim.segment >= from);
        Ok(Self {
            mark,
            other: None,
            claimed: named.map(|claim| (claim.call, claim.at)).collect(),
        })
    }

    /// A good record was read.
    pub(crate) fn take(&mut self, line: &Line<'_>, raw: &[u8]) {
        if let Some(mark) = &self.mark
            && mark.seq == line.seq
            && mark.hash.text() != line.h
        {
            self.other = Some(line.seq);
        }
        if !self.claimed.is_empty() {
            self.take_of_claims(line, raw);
        }
    }

    fn take_of_claims(&mut self, line: &Line<'_>, raw: &[u8]) {
        match (line.kind, line.stamp()) {
            (b"intent", _) => {
                let call = Fields::read(raw).call();
                self.claimed.retain(|(claimed, _)| Some(*claimed) != call);
            }
            // Whoever seals has recorded all that was claimed and let through before.
            (b"seal", Some(at)) => self.claimed.retain(|(_, since)| *since >= at),
            (_other, _) => {}
        }
    }

    /// What speaks against a chain whose records all fit together and end with number `end`.
    pub(crate) fn against(&self, end: u64, writer: Liveness, place: Spot) -> Option<Verdict> {
        if let Some(seq) = self.other {
            let why = format!("record {seq} is another than the one that was on the disk");
            return Some(Verdict::Tampered { place, why });
        }
        if let Reach::Short(durable) = reach(self.mark.as_ref(), end) {
            let why = Fault::Cut { durable, end }.to_string();
            return Some(Verdict::Gap { place, why });
        }
        match (self.claimed.first(), writer) {
            (Some((call, _)), Liveness::Nobody) => Some(Verdict::Gap {
                place,
                why: format!(
                    "call {call} holds an idempotency key and has no record; as there is no file \
                     `head`, records may be missing, or its process was killed before it made one"
                ),
            }),
            (Some(_), Liveness::Writer | Liveness::Copy) | (None, _) => None,
        }
    }
}

/// What the lack of a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It never was recorded: from that segment on all records are there.
    NeverRecorded,
    /// It may have been: records are missing, or nothing says that they are not.
    Unknown,
}

/// Why a chain that nobody else writes holds no record of a call which was to stand in this
/// segment or a later one.
pub(crate) fn lack(chain: &Chain, from: u64) -> Result<Lack, FolderError> {
    let segments = chain.segments()?;
    let Some(mark) = Mark::read(&chain.folder)? else {
        return Ok(Lack::Unknown);
    };
    let Some(first) = segments.iter().position(|number| *number == from) else {
        return Ok(Lack::Unknown);
    };
    let segments = segments.get(first..).unwrap_or_default();
    let mut walk = Walk::from(None);
    for (at, number) in segments.iter().enumerate() {
        let next = segments.get(at + 1).copied();
        let follows = next
            .map(|next| First::of(chain, next))
            .transpose()?
            .flatten();
        let until = follows.and_then(First::in_place_of).unwrap_or(u64::MAX);
        let path = chain.folder.path().join(name(*number));
        let mut file = chain.folder.read(&name(*number))?;
        let mut lines = 0_u64;
        let stop = through(&mut walk, &file, until, &mut |_, _| {
            lines += 1;
            ControlFlow::Continue(())
        })
        .map_err(|source| system(&path, source))?;
        let whole = match (stop.fault, next) {
            (None, _) => lines > 0,
            // The last write of a process that was killed.
            (Some(Fault::Form), None) => {
                let after = later(&mut file, stop.length).map_err(|e| system(&path, e))?;
                lines > 0 && after == Later::Nothing
            }
            (Some(_), _) => false,
        };
        if !whole {
            return Ok(Lack::Unknown);
        }
    }
    let end = walk.head().map_or(0, |head| head.seq);
    Ok(match reach(Some(&mark), end) {
        Reach::Full => Lack::NeverRecorded,
        Reach::Short(_) => Lack::Unknown,
    })
}
