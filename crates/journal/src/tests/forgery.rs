//! What somebody with the folder in his hands would do: sign anew, with the keys that he finds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ed25519_dalek::SigningKey;

use crate::chain::{Chain, Lock};
use crate::folder::Folder;
use crate::line::entry::segment_members;
use crate::line::tape::Tape;
use crate::line::text::member;
use crate::line::time::{Clock, Stamp};
use crate::sign::{DRAFT, EPOCH, MOST_UNSIGNED, Signer};
use crate::{Journal, Known, Sealed, Settings, Verdict, finish_abandoned, verify};

const START: Stamp = Stamp(1_795_000_000_000);

/// A chain that is written line by line, at any time.
struct Forge {
    dir: PathBuf,
    chain: Chain,
    lock: Option<Lock>,
    tape: Tape,
    clock: Clock,
    signer: Signer,
}

impl Forge {
    fn new() -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).expect("random numbers");
        let name = format!("dropgate-forge-{:016x}", u64::from_le_bytes(bits));
        let dir = std::env::temp_dir().join(name);
        let folder = Folder::make(&dir).expect("a folder");
        let (chain, lock) = Chain::make(&folder).expect("a chain");
        let signer = Signer::make(&chain.folder, &chain.name, START).expect("a key");
        let mut forge = Self {
            dir,
            tape: Tape::after(crate::line::hash::Head::before_first(&chain.name)),
            clock: Clock::new("0123456789ab", Stamp(0)),
            chain,
            lock: Some(lock),
            signer,
        };
        forge.begin(START);
        forge
    }

    fn begin(&mut self, at: Stamp) {
        let public = self.signer.public();
        let chain = self.chain.name.clone();
        self.tape.line_at(&mut self.clock, at, "segment", |out| {
            segment_members(out, (&chain, 1), (0, &public), &[], None);
        });
    }

    fn record(&mut self, at: Stamp, text: &str) {
        self.tape
            .line_at(&mut self.clock, at, "note", |out| member(out, "text", text));
    }

    fn checkpoint(&mut self, at: Stamp) {
        let note = self.signer.note(&self.tape.head(), at);
        self.noted(at, &note);
    }

    fn noted(&mut self, at: Stamp, note: &str) {
        self.tape.line_at(&mut self.clock, at, "checkpoint", |out| {
            crate::line::text::key(out, "note");
            crate::line::text::string(out, note);
        });
    }

    fn change_key(&mut self, at: Stamp) {
        self.signer.prepare(&self.chain.folder).expect("a key");
        self.checkpoint(at);
        self.signer.change(&self.chain.folder, at).expect("a key");
    }

    fn verdict(&self) -> Verdict {
        let path = self.dir.join(&self.chain.name).join("00000001.jsonl");
        std::fs::write(path, self.tape.bytes()).expect("writable");
        let verified = verify(&self.dir, &Known::default()).expect("readable");
        verified.chains[0].verdict.clone()
    }

    fn tampered(&self, why: &str) {
        match self.verdict() {
            Verdict::Tampered { why: found, .. } => assert!(found.contains(why), "{found}"),
            other @ (Verdict::Whole
            | Verdict::Torn { .. }
            | Verdict::Unsigned { .. }
            | Verdict::Gap { .. }) => {
                panic!("{other:?}")
            }
        }
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.dir);
    }
}

fn after(seconds: u64) -> Stamp {
    Stamp(START.0 + seconds * 1000)
}

/// Two hours of an honest chain.
fn honest(forge: &mut Forge) {
    forge.record(after(1), "one");
    forge.checkpoint(after(10));
    forge.record(after(20), "two");
    forge.change_key(after(3601));
    forge.record(after(3700), "three");
    forge.checkpoint(after(3710));
}

#[test]
fn an_honest_chain_with_a_change_of_keys_is_whole() {
    let mut forge = Forge::new();
    honest(&mut forge);
    assert_eq!(forge.verdict(), Verdict::Whole);
}

#[test]
fn the_key_of_now_can_not_sign_what_was_before_it() {
    // The thief has everything in the folder after two hours, and writes the first hour anew.
    let mut forge = Forge::new();
    honest(&mut forge);
    let public = forge.signer.public();
    forge.tape = Tape::after(crate::line::hash::Head::before_first(&forge.chain.name));
    let chain = forge.chain.name.clone();
    // He can't change the root, which the owner wrote down; here it is the honest one.
    let honest_root = {
        let mut again = Forge::new();
        honest(&mut again);
        again.signer.public()
    };
    assert_ne!(public, honest_root);
    forge
        .tape
        .line_at(&mut forge.clock, START, "segment", |out| {
            segment_members(out, (&chain, 1), (0, &honest_root), &[], None);
        });
    forge.record(after(1), "forged");
    forge.checkpoint(after(10));
    forge.tampered("epoch");
}

#[test]
fn a_newer_epoch_in_old_records_and_an_old_key_in_new_ones_are_seen() {
    let mut forge = Forge::new();
    forge.record(after(1), "one");
    // The next key signs before it was announced.
    forge.signer.prepare(&forge.chain.folder).expect("a key");
    forge
        .signer
        .change(&forge.chain.folder, after(2))
        .expect("a key");
    forge.checkpoint(after(10));
    forge.tampered("epoch");

    let mut forge = Forge::new();
    forge.record(after(1), "one");
    let late = EPOCH + Duration::from_secs(600);
    forge.checkpoint(after(late.as_secs()));
    forge.tampered("too old");
}

#[test]
fn notes_about_other_heads_times_or_chains_are_false() {
    let mut other = Forge::new();
    other.record(after(1), "one");
    let stranger = other.signer.note(&other.tape.head(), after(2));
    for change in [
        |_: &str| String::new(),
        |note: &str| note.replace("epoch 0", "epoch 1"),
        |note: &str| note.replace("T", "T0"),
        |note: &str| note.replacen("\n2\n", "\n1\n", 1),
        |note: &str| note.replace('\u{2014}', "-"),
        |note: &str| note[..note.len() - 9].to_owned(),
    ] {
        let mut forge = Forge::new();
        forge.record(after(1), "one");
        let note = forge.signer.note(&forge.tape.head(), after(2));
        let changed = change(&note);
        assert_ne!(changed, note);
        forge.noted(after(2), &changed);
        forge.tampered("");
    }
    let mut forge = Forge::new();
    forge.record(after(1), "one");
    forge.noted(after(2), &stranger);
    forge.tampered("another");
}

#[test]
fn a_tail_without_checkpoints_is_bounded() {
    let mut forge = Forge::new();
    for _ in 0..MOST_UNSIGNED - 1 {
        forge.record(after(1), "unsigned");
    }
    assert_eq!(forge.verdict(), Verdict::Whole);
    forge.record(after(1), "one too many");
    forge.tampered("no signed checkpoint");
}

#[test]
fn the_old_private_key_is_gone_after_a_change() {
    let mut forge = Forge::new();
    let secret = |dir: &Path| std::fs::read(dir.join("sign")).expect("the key's file");
    let dir = forge.dir.join(&forge.chain.name);
    let old = secret(&dir)[16..48].to_vec();
    let key = SigningKey::from_bytes(&old.clone().try_into().expect("32 bytes"));
    assert!(!key.to_bytes().iter().all(|byte| *byte == 0));
    forge.change_key(after(3601));
    for entry in std::fs::read_dir(&dir).expect("the chain") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
        assert!(memchr::memmem::find(&bytes, &old).is_none());
    }
}

/// A chain whose writer ended, or was idle, days ago: its key has long been too old to sign.
fn left_alone() -> Forge {
    let mut forge = Forge::new();
    forge.record(after(1), "one");
    forge.checkpoint(after(10));
    forge.record(after(20), "two");
    assert_eq!(forge.verdict(), Verdict::Whole);
    forge.lock = None;
    forge
}

fn found(forge: &Forge) -> Verdict {
    let verified = verify(&forge.dir, &Known::default()).expect("readable");
    verified.chains[0].verdict.clone()
}

#[test]
fn whoever_seals_a_chain_with_an_old_key_announces_a_new_one_first() {
    let bound = Duration::from_secs(20);
    let forge = left_alone();
    let journal = Journal::open(Settings::new(&forge.dir), Box::new(|| {})).expect("opens");
    assert_eq!(journal.chain(), forge.chain.name);
    assert!(matches!(journal.seal(bound), Sealed::Yes(_)));
    assert_eq!(found(&forge), Verdict::Whole, "gone on with");

    let forge = left_alone();
    let head = finish_abandoned(&Settings::new(&forge.dir), &forge.chain.name, &[]);
    assert!(head.expect("finished").is_some());
    assert_eq!(found(&forge), Verdict::Whole, "finished by another");
}

#[test]
fn a_key_that_was_announced_days_ago_and_never_signed_is_old_as_well() {
    let mut forge = Forge::new();
    forge.record(after(1), "one");
    forge.signer.prepare(&forge.chain.folder).expect("a key");
    forge.checkpoint(after(3601));
    assert_eq!(forge.verdict(), Verdict::Whole);
    forge.lock = None;
    for start in 0..2 {
        let journal = Journal::open(Settings::new(&forge.dir), Box::new(|| {})).expect("opens");
        assert_eq!(journal.chain(), forge.chain.name);
        assert!(matches!(
            journal.seal(Duration::from_secs(20)),
            Sealed::Yes(_)
        ));
        assert_eq!(found(&forge), Verdict::Whole, "start {start}");
    }
}

#[test]
fn a_key_that_could_not_be_kept_is_not_announced() {
    let mut forge = Forge::new();
    forge.record(after(1), "one");
    let in_the_way = forge.chain.folder.path().join(DRAFT);
    std::fs::create_dir(&in_the_way).expect("something in the way");
    assert!(forge.signer.prepare(&forge.chain.folder).is_err());
    assert!(!forge.signer.announces());
    std::fs::remove_dir(&in_the_way).expect("removable");
    forge.signer.prepare(&forge.chain.folder).expect("a key");
    assert!(forge.signer.announces());
    forge.checkpoint(after(3601));
    assert_eq!(forge.verdict(), Verdict::Whole);
}
