//! Finding out where a chain whose writer is gone can be gone on with.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::CallRef;
use crate::chain::Chain;
use crate::entry::{Topic, What};
use crate::folder::{Folder, FolderError, system};
use crate::ledger::Orphan;
use crate::line::hash::{Hash, Head};
use crate::line::scan::Line;
use crate::line::time::{Stamp, boot_id};
use crate::mark::{Mark, Reach, reach};
use crate::record::Fields;
use crate::segment::name;
use crate::sign::public_bytes;
use crate::walk::{Fault, Later, Stop, Walk, later, through};
use crate::writer::Place;

/// A journal can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it is not as it should be.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A chain was changed by others than its writer.
    #[error(
        "{path}, line {line}: {fault}; look at it with `dropgate journal verify`, then move the chain away, or start once with `dropgate run --accept-damage`"
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The line in it, from 1.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The system refused a thread.
    #[error("can not start the journal's writer: {0}")]
    Thread(io::Error),
}

/// What was found.
pub(crate) struct Recovered {
    pub(crate) place: Place,
    pub(crate) torn: Option<Torn>,
    /// Calls without an outcome.
    pub(crate) open: Vec<Open>,
    /// What a repetition would be matched with.
    pub(crate) orphans: Vec<Orphan>,
    /// Calls that are no orphans any more, perhaps of other chains.
    pub(crate) dealt_with: Vec<CallRef>,
    pub(crate) ending: Ending,
}

/// How the last writer ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a seal, or it never began.
    Sealed,
    /// Without one.
    Abrupt,
}

/// What was cut off, and where it was put.
pub(crate) struct Torn {
    pub(crate) segment: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: Hash,
}

/// A call without an outcome.
pub(crate) struct Open {
    pub(crate) call: CallRef,
    pub(crate) sent: Sent,
}

/// Whether a call may have reached the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// For certain not.
    No,
    /// It may.
    Perhaps,
}

/// The largest segment that is read. No setting allows such a one.
const LARGEST: u64 = 4 << 30;

/// Reads the end of a chain that the caller holds the lock of, and cuts off a torn tail.
pub(crate) fn recover(chain: &Chain) -> Result<Recovered, OpenError> {
    let segments = chain.segments()?;
    let last = segments.last().copied().unwrap_or(0);
    let mark = Mark::read(&chain.folder)?;
    let mut found = Found::default();
    // Segments whose writer ended before their first line. They go only once it is known that
    // nothing is missing.
    let mut empty: Vec<Tail> = Vec::new();
    for number in segments.into_iter().rev() {
        let end = End::read(chain, number, &mut found)?;
        let Some(head) = end.walk.head() else {
            empty.push(end.tail);
            continue;
        };
        if let Reach::Short(durable) = reach(mark.as_ref(), head.seq) {
            let fault = Fault::Cut {
                durable,
                end: head.seq,
            };
            return Err(end.damaged(chain, fault));
        }
        found.clear_away(chain, empty)?;
        return found.going_on(chain, end, head);
    }
    if let Reach::Short(durable) = reach(mark.as_ref(), 0) {
        return Err(damaged(
            chain,
            last.max(1),
            1,
            Fault::Cut { durable, end: 0 },
        ));
    }
    found.clear_away(chain, empty)?;
    Ok(found.beginning(chain, last))
}

fn damaged(chain: &Chain, segment: u64, line: u64, fault: Fault) -> OpenError {
    OpenError::Damaged {
        path: chain.folder.path().join(name(segment)),
        line,
        fault,
    }
}

/// The last segment, as far as it was read.
struct End {
    walk: Walk,
    stop: Stop,
    tail: Tail,
}

impl End {
    /// Reads a segment whose end nothing but a crash has torn.
    fn read(chain: &Chain, number: u64, found: &mut Found) -> Result<Self, OpenError> {
        let path = chain.folder.path().join(name(number));
        let wrong = |error| system(&path, error);
        let file = chain.folder.write(&name(number))?;
        if file.metadata().map_err(wrong)?.len() > LARGEST {
            let why = "the segment is larger than any that the journal writes";
            return Err(crate::folder::refused(&path, why).into());
        }
        let mut walk = Walk::from(None);
        let stop = through(&mut walk, &file, u64::MAX, &mut |line, raw| {
            found.take(line, raw);
            ControlFlow::Continue(())
        })
        .map_err(wrong)?;
        let torn_at = stop.fault.map(|_| stop.length);
        let tail = Tail {
            number,
            file,
            torn_at,
        };
        let mut end = Self { walk, stop, tail };
        let fault = end.stop.fault;
        match fault {
            Some(fault) if !end.is_torn_by_a_crash(found).map_err(wrong)? => {
                Err(end.damaged(chain, fault))
            }
            Some(_) | None => Ok(end),
        }
    }

    fn is_torn_by_a_crash(&mut self, found: &Found) -> io::Result<bool> {
        Ok(match later(&mut self.tail.file, self.stop.length)? {
            Later::Nothing => true,
            // A loss of power can leave records after others that it took.
            Later::Unsynced => found.boot != boot_id().as_bytes(),
            Later::Synced => false,
        })
    }

    fn damaged(&self, chain: &Chain, fault: Fault) -> OpenError {
        damaged(chain, self.tail.number, self.stop.line, fault)
    }
}

/// A segment, and where it is torn.
struct Tail {
    number: u64,
    file: std::fs::File,
    torn_at: Option<u64>,
}

impl Tail {
    /// Moves what is no record aside.
    fn cut_off(mut self, chain: &Chain) -> Result<Option<Torn>, FolderError> {
        let file = &mut self.file;
        self.torn_at
            .map(|length| cut_off(&chain.folder, self.number, file, length))
            .transpose()
    }
}

/// What the lines say.
struct Found {
    open: HashMap<CallRef, Sent>,
    /// Calls that have a fingerprint and no key, and were not answered for good.
    unanswered: HashMap<CallRef, Orphan>,
    undelivered: HashSet<CallRef>,
    /// Calls of earlier segments or other chains that were delivered or declared repeatable here.
    dealt_with: Vec<CallRef>,
    /// The key of the segment's first line, or the last that was announced after it.
    signs: Option<[u8; 32]>,
    boot: Vec<u8>,
    ending: Ending,
    torn: Option<Torn>,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            unanswered: HashMap::new(),
            undelivered: HashSet::new(),
            dealt_with: Vec::new(),
            signs: None,
            boot: Vec::new(),
            ending: Ending::Sealed,
            torn: None,
        }
    }
}

impl Found {
    /// The chain is gone on with after this head.
    fn going_on(mut self, chain: &Chain, end: End, head: Head) -> Result<Recovered, OpenError> {
        let place = Place {
            within: Some(end.stop.length),
            last: end.tail.number,
            head,
            stamp: Stamp::parse(end.walk.ts()).unwrap_or_default(),
            signs: self.signs,
        };
        let torn = end.tail.cut_off(chain)?;
        Ok(Recovered {
            place,
            ending: self.ending,
            orphans: self.orphans(),
            dealt_with: std::mem::take(&mut self.dealt_with),
            open: self.open(),
            torn: torn.or(self.torn),
        })
    }

    /// Nothing was recorded yet.
    fn beginning(self, chain: &Chain, last: u64) -> Recovered {
        Recovered {
            place: Place {
                within: None,
                last: last.saturating_sub(1),
                head: Head::before_first(&chain.name),
                stamp: Stamp::default(),
                signs: None,
            },
            torn: self.torn,
            open: Vec::new(),
            orphans: Vec::new(),
            dealt_with: Vec::new(),
            ending: Ending::Sealed,
        }
    }

    /// Removes segments that hold no record: as if they had never begun.
    fn clear_away(&mut self, chain: &Chain, empty: Vec<Tail>) -> Result<(), FolderError> {
        for tail in empty {
            let number = tail.number;
            let torn = tail.cut_off(chain)?;
            chain.folder.remove(&name(number))?;
            self.torn = torn.or(self.torn.take());
        }
        Ok(())
    }

    fn take(&mut self, line: &Line<'_>, raw: &[u8]) {
        self.ending = Ending::Abrupt;
        if self.boot != line.boot {
            self.boot = line.boot.to_vec();
        }
        match line.kind {
            b"intent" => {
                let fields = Fields::read(raw);
                if let Some(call) = fields.call() {
                    let sent = if fields.sent { Sent::Perhaps } else { Sent::No };
                    self.open.insert(call, sent);
                    self.await_answer(call, &fields, line);
                }
            }
            b"sent" => {
                for call in Fields::read(raw).calls() {
                    self.open.insert(call, Sent::Perhaps);
                }
            }
            b"outcome" => {
                let fields = Fields::read(raw);
                if let Some(call) = fields.call() {
                    self.open.remove(&call);
                    self.answer(call, &fields, line);
                }
            }
            b"delivered" => {
                for call in Fields::read(raw).calls() {
                    self.deal_with(call);
                }
            }
            b"segment" => {
                let fields = Fields::read(raw);
                self.signs = fields.public_key().and_then(public_bytes);
                for call in fields.open() {
                    // It was sent long ago, or its line still follows.
                    self.open.entry(call).or_insert(Sent::Perhaps);
                }
            }
            b"checkpoint" => self.heed_note(&Fields::read(raw)),
            b"note" => {
                let fields = Fields::read(raw);
                if fields.is_about(Topic::Undelivered) {
                    self.undelivered.extend(fields.call());
                }
                if let (true, Some(call)) = (fields.is_about(Topic::Repeatable), fields.call()) {
                    self.deal_with(call);
                }
            }
            b"seal" => {
                let fields = Fields::read(raw);
                self.heed_note(&fields);
                if fields.end {
                    self.ending = Ending::Sealed;
                }
            }
            _other => {}
        }
    }

    fn heed_note(&mut self, fields: &Fields<'_>) {
        if let Some(next) = announced(fields) {
            self.signs = Some(next);
        }
    }

    fn deal_with(&mut self, call: CallRef) {
        if self.unanswered.remove(&call).is_none() {
            self.dealt_with.push(call);
        }
    }

    fn await_answer(&mut self, call: CallRef, fields: &Fields<'_>, line: &Line<'_>) {
        let writes = fields.class.as_deref() == Some("write");
        if let (Some(fingerprint), Some(at), true, false) =
            (fields.fingerprint(), line.stamp(), writes, fields.has_key())
        {
            let orphan = Orphan {
                call,
                fingerprint,
                what: What::Unknown,
                at,
            };
            self.unanswered.insert(call, orphan);
        }
    }

    fn answer(&mut self, call: CallRef, fields: &Fields<'_>, line: &Line<'_>) {
        let what = fields.ended().map(|(what, _)| what);
        match what {
            Some(what @ (What::Completed | What::Unknown)) => {
                if let Some(orphan) = self.unanswered.get_mut(&call) {
                    orphan.what = what;
                    orphan.at = line.stamp().unwrap_or(orphan.at);
                }
            }
            Some(
                What::ToolError
                | What::RpcError
                | What::InputRequired
                | What::Cancelled
                | What::TimedOut
                | What::Denied
                | What::Shed
                | What::NotExecuted,
            )
            | None => {
                self.unanswered.remove(&call);
            }
        }
    }

    /// Those that a call without a key may repeat. After an orderly end every
    /// result that is not noted as undelivered was delivered.
    fn orphans(&mut self) -> Vec<Orphan> {
        let same_boot = self.boot == boot_id().as_bytes();
        let ending = self.ending;
        let open = &self.open;
        let undelivered = &self.undelivered;
        self.unanswered
            .drain()
            .map(|(_, orphan)| orphan)
            .filter(|orphan| match (open.get(&orphan.call), orphan.what) {
                (Some(Sent::No), _) if same_boot => false,
                (None, What::Completed) => {
                    ending == Ending::Abrupt || undelivered.contains(&orphan.call)
                }
                (Some(_) | None, _) => true,
            })
            .collect()
    }

    fn open(&mut self) -> Vec<Open> {
        // Since another boot, a `sent` that was never synced may be what the power took.
        let same_boot = self.boot == boot_id().as_bytes();
        let mut open: Vec<Open> = self
            .open
            .drain()
            .map(|(call, sent)| Open {
                call,
                sent: if same_boot { sent } else { Sent::Perhaps },
            })
            .collect();
        open.sort_by_key(|open| open.call);
        open
    }
}

/// The key that a note announces.
fn announced(fields: &Fields<'_>) -> Option<[u8; 32]> {
    let note = fields.signed_note()?;
    public_bytes(note.lines().find_map(|line| line.strip_prefix("next "))?)
}

/// Moves what stands after `length` into a file beside the segment.
pub(crate) fn cut_off(
    chain: &Folder,
    segment: u64,
    file: &mut std::fs::File,
    length: u64,
) -> Result<Torn, FolderError> {
    let path = chain.path().join(name(segment));
    let wrong = |error: io::Error| system(&path, error);
    let mut beside = chain.write_or_create(&format!("{segment:08}-{length}.torn"))?;
    file.seek(SeekFrom::Start(length)).map_err(wrong)?;
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut chunk).map_err(wrong)?;
        if read == 0 {
            break;
        }
        let piece = chunk.get(..read).unwrap_or_default();
        digest.update(piece);
        beside.write_all(piece).map_err(wrong)?;
        bytes += u64::try_from(read).unwrap_or_default();
    }
    beside.sync_all().map_err(wrong)?;
    chain.sync()?;
    file.set_len(length).map_err(wrong)?;
    file.sync_all().map_err(wrong)?;
    Ok(Torn {
        segment,
        bytes,
        digest: Hash::of(digest),
    })
}
