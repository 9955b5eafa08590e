//! Opening a journal: a chain of one's own, and an end for the chains of the dead.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::CallRef;
use crate::chain::{Chain, Lock, Told, Writing};
use crate::claim::Claims;
use crate::copy::{Copier, Finished, Target, Wake};
use crate::entry::{Entry, Keep, Note, Outcome, Retry, Tier, Topic, What};
use crate::folder::Folder;
use crate::keys::Keys;
use crate::ledger::Orphan;
use crate::line::entry::{Kept, Scratch, recovered_members, render};
use crate::line::hash::Head;
use crate::line::time::Stamp;
use crate::recover::{Ending, OpenError, Recovered, Sent, recover};
use crate::segment::Faults;
use crate::settings::{Damage, Settings};
use crate::shared::{Closing, Shared};
use crate::sign::{Signable, is_signable};
use crate::writer::{Surroundings, Writer};

pub(crate) struct Opened {
    pub(crate) writer: Writer,
    pub(crate) chain: String,
    pub(crate) keys: Keys,
    pub(crate) orphans: Vec<Orphan>,
    /// Chains whose key was found to be lost now.
    pub(crate) keyless: Vec<String>,
    /// Chains whose damage was accepted now.
    pub(crate) accepted: Vec<String>,
}

pub(crate) fn open(
    settings: Settings,
    wake: Wake,
    shared: Arc<Shared>,
    faults: Option<Arc<dyn Faults>>,
) -> Result<Opened, OpenError> {
    let folder = Folder::make(&settings.dir)?;
    let keys = Keys::open(&folder)?;
    let claims = Claims::open(&folder)?;
    claims.sweep(Stamp::now().before(settings.key_ttl));
    let Found {
        ours,
        mut orphans,
        dealt_with,
        damaged,
        keyless,
        finished,
    } = look_around(&folder, &settings, &keys)?;
    let (chain, lock, recovered) = match ours {
        Some(ours) => ours,
        None => {
            let (chain, lock) = Chain::make(&folder)?;
            let recovered = recover(&chain)?;
            (chain, lock, recovered)
        }
    };
    let name = chain.name.clone();
    let mut place = recovered.place;
    if place
        .within
        .is_some_and(|length| length >= settings.segment_bytes)
    {
        place.within = None;
    }
    let recovered = Recovered { place, ..recovered };
    let copier = match settings.copy.clone() {
        Some(copying) => {
            let ends = (Arc::clone(&shared), Arc::clone(&wake));
            let begun = Copier::begin(copying, &settings.dir, &name, finished, ends);
            Some(begun.map_err(OpenError::Thread)?)
        }
        None => None,
    };
    let around = Surroundings {
        settings,
        shared,
        wake,
        keys: keys.clone(),
        claims: Some((folder, claims)),
        faults,
    };
    let mut writer = Writer::resume((chain, lock), &recovered.place, around)?;
    writer.copy = copier;
    if recovered.ending == Ending::Sealed {
        writer.seal_before = Some(recovered.place.head);
    }
    finish(&mut writer, &recovered, Why::NextStart);
    let mut accepted = Vec::new();
    for Damaged {
        chain,
        error,
        damage,
    } in damaged
    {
        let text = format!("the chain was changed by others; it is left as it is: {error}");
        note_chain(&mut writer, Topic::Damage, &chain.name, &text);
        accepted.push(chain.name.clone());
        writer.accepts.push((chain, damage));
    }
    for chain in &keyless {
        let text = "the key that signs the chain is lost; nothing is added to it any more";
        note_chain(&mut writer, Topic::KeyLost, chain, text);
    }
    orphans.retain(|orphan| !dealt_with.contains(&orphan.call));
    Ok(Opened {
        writer,
        chain: name,
        keys,
        orphans,
        keyless,
        accepted,
    })
}

/// What stands in the folder of a journal.
#[derive(Default)]
struct Found {
    /// The chain to go on with.
    ours: Option<(Chain, Lock, Recovered)>,
    orphans: Vec<Orphan>,
    /// Orphans that somebody has decided on.
    dealt_with: HashSet<CallRef>,
    damaged: Vec<Damaged>,
    keyless: Vec<String>,
    /// Chains that have come to their end, where that is to be copied.
    finished: Vec<Finished>,
}

/// A chain that was changed by others, and how.
struct Damaged {
    chain: Chain,
    error: OpenError,
    damage: String,
}

/// Reads the chains that nobody writes, takes one of them, and finishes the others.
fn look_around(folder: &Folder, settings: &Settings, keys: &Keys) -> Result<Found, OpenError> {
    let mut found = Found::default();
    for chain in Chain::all(folder)? {
        let Writing::Ours(lock) = chain.lock_after_closing()? else {
            continue;
        };
        // Whoever announced that it would finish the chain may have been killed, and nobody is to
        // wait for it once this start writes.
        chain.closed()?;
        let recovered = match recover(&chain) {
            Ok(recovered) => recovered,
            Err(OpenError::Damaged { path, line, fault }) => {
                let segment = path.file_name().unwrap_or_default().to_string_lossy();
                let damage = chain.damage(&segment, line, &fault)?;
                if chain.is_accepted(&damage)? {
                    continue;
                }
                let error = OpenError::Damaged { path, line, fault };
                match settings.damage {
                    Damage::Refuse => return Err(error),
                    Damage::Accept => found.damaged.push(Damaged {
                        chain,
                        error,
                        damage,
                    }),
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        found.orphans.extend_from_slice(&recovered.orphans);
        found
            .dealt_with
            .extend(recovered.dealt_with.iter().copied());
        let name = chain.name.clone();
        let begun = recovered.place.head.seq > 0;
        let signs = recovered.place.signs.as_ref();
        let signable = if begun {
            is_signable(&chain.folder, &chain.name, signs)?
        } else {
            Signable::Yes
        };
        if signable == Signable::No && chain.tell_key_lost()? == Told::Now {
            found.keyless.push(chain.name.clone());
        }
        if found.ours.is_none() && signable == Signable::Yes {
            found.ours = Some((chain, lock, recovered));
            continue;
        }
        let mut end = recovered.place.within.map(|length| Target {
            segment: recovered.place.last,
            length,
            head: recovered.place.head,
            nth: 0,
        });
        if recovered.ending == Ending::Abrupt {
            let shared = Arc::new(Shared::default());
            shared.close(Closing::Seal);
            let around = Surroundings {
                settings: settings.clone(),
                shared: Arc::clone(&shared),
                wake: Arc::new(|| {}),
                keys: keys.clone(),
                claims: None,
                faults: None,
            };
            let mut writer = Writer::resume((chain, lock), &recovered.place, around)?;
            finish(&mut writer, &recovered, Why::NextStart);
            writer.seal();
            end = shared.news().sealed.and_then(|_| writer.durable());
        }
        if settings.copy.is_some() {
            found.finished.extend(end.map(|end| (name, end)));
        }
    }
    Ok(found)
}

fn note_chain(writer: &mut Writer, topic: Topic, chain: &str, text: &str) {
    let note = Note {
        topic,
        call: None,
        subject: chain.into(),
        text: text.into(),
    };
    enter(writer, &Entry::Note(note));
}

/// Finishes the chain of a writer that is gone: cuts a torn tail, records that
/// the writer is lost and what became of its calls, adds `notes` of whoever
/// finishes it, and seals. Chains whose writers live are left alone.
///
/// `chain` is what [`Journal::chain`](crate::Journal::chain) said. Gives the head after the seal, or
/// nothing if a living process writes the chain.
///
/// # Errors
/// As [`Journal::open`](crate::Journal::open).
pub fn finish_abandoned(
    settings: &Settings,
    chain: &str,
    notes: &[Note],
) -> Result<Option<Head>, OpenError> {
    let folder = Folder::open(&settings.dir)?;
    let named = Chain::named(&folder, chain)?;
    // A start that comes meanwhile waits, for it has to know what became of the calls.
    named.announce_closing()?;
    let finished = finish_locked(&folder, Chain::named(&folder, chain)?, settings, notes);
    let closed = named.closed();
    let head = finished?;
    closed?;
    Ok(head)
}

fn finish_locked(
    folder: &Folder,
    chain: Chain,
    settings: &Settings,
    notes: &[Note],
) -> Result<Option<Head>, OpenError> {
    let keys = Keys::open(folder)?;
    let Writing::Ours(lock) = chain.lock()? else {
        return Ok(None);
    };
    let recovered = recover(&chain)?;
    if recovered.ending == Ending::Sealed {
        return Ok(Some(recovered.place.head));
    }
    let shared = Arc::new(Shared::default());
    // A disk that takes nothing is waited for, but not for ever.
    shared.close(Closing::Seal);
    let around = Surroundings {
        settings: settings.clone(),
        shared: Arc::clone(&shared),
        wake: Arc::new(|| {}),
        keys,
        claims: None,
        faults: None,
    };
    let mut writer = Writer::resume((chain, lock), &recovered.place, around)?;
    finish(&mut writer, &recovered, Why::Closer);
    for note in notes {
        enter(&mut writer, &Entry::Note(note.clone()));
    }
    writer.seal();
    let sealed = shared.news().sealed;
    match sealed {
        Some(head) => Ok(Some(head)),
        None => Err(crate::folder::refused(
            Path::new(&settings.dir),
            "the chain could not be sealed; the disk does not take it",
        )
        .into()),
    }
}

/// Who finishes a chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    NextStart,
    Closer,
}

fn by_whom(why: Why) -> &'static str {
    match why {
        Why::NextStart => "found by the next start",
        Why::Closer => "found when the process ended",
    }
}

/// Records what recovery found: nothing at all after an orderly end.
fn finish(writer: &mut Writer, recovered: &Recovered, why: Why) {
    if let Some(torn) = &recovered.torn {
        writer.lines(|tape, clock| {
            tape.line(clock, "recovered", |out| {
                recovered_members(out, torn.segment, torn.bytes, &torn.digest);
            });
        });
    }
    if recovered.ending == Ending::Abrupt {
        let note = Note {
            topic: Topic::WrapperLost,
            call: None,
            subject: "writer".into(),
            text: by_whom(why).into(),
        };
        enter(writer, &Entry::Note(note));
    }
    // The next start sees an orderly end, after which what is not noted was delivered.
    let oldest = Stamp::now().before(writer.orphan_window());
    for orphan in &recovered.orphans {
        let is_new = recovered.ending == Ending::Abrupt && orphan.at > oldest;
        if is_new && orphan.what == What::Completed {
            let note = Note {
                topic: Topic::Undelivered,
                call: Some(orphan.call),
                subject: "host".into(),
                text: by_whom(why).into(),
            };
            enter(writer, &Entry::Note(note));
        }
    }
    for open in &recovered.open {
        let (what, retry) = match open.sent {
            Sent::No => (What::NotExecuted, Retry::Safe),
            Sent::Perhaps => (What::Unknown, Retry::Unsafe),
        };
        let outcome = Outcome {
            call: open.call,
            what,
            retry,
            bytes: 0,
            ms: 0,
            redactions: 0,
            keep: Keep::Nothing,
            about: None,
            repeats: None,
        };
        enter(writer, &Entry::Outcome(outcome));
    }
}

fn enter(writer: &mut Writer, entry: &Entry) {
    let mut keys = writer.keys();
    writer.lines(|tape, clock| {
        let mut scratch = Scratch::default();
        render(
            tape,
            clock,
            &mut keys,
            &mut scratch,
            (entry, Tier::Sync, &Kept::Nothing),
        );
    });
}
