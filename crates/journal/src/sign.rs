//! Signed checkpoints: notes in the form of C2SP that say which head a chain had when.
//!
//! The key changes every hour, and the old private key is removed once the new
//! public one was announced under its signature. Whoever steals the key of now
//! can therefore not sign what was recorded before the last change.

use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::folder::{Folder, FolderError, is_full};
use crate::line::hash::Head;
use crate::line::time::Stamp;

/// How long one key signs.
pub(crate) const EPOCH: Duration = Duration::from_secs(3600);
/// How much later than that a key may still sign: a busy disk, and the clock of the next check.
const LENIENCE: Duration = Duration::from_secs(120);
/// The most records between two checkpoints.
pub(crate) const RECORDS: u64 = 1024;
/// The longest time between two checkpoints of a chain that grows.
pub(crate) const EVERY: Duration = Duration::from_secs(10);
/// More records than that in a row without a checkpoint were not left so by a
/// writer: it makes one every [`RECORDS`], give or take those of one entry.
pub(crate) const MOST_UNSIGNED: u64 = 4 * RECORDS;

const FILE: &str = "sign";
pub(crate) const DRAFT: &str = "sign.new";
/// Epoch, since when, the key, the next one or zeros.
const KEYS: usize = 8 + 8 + 32 + 32;
/// These, and a checksum by which a file that was garbled or is another chain's is told.
const SIZE: usize = KEYS + 8;

/// The private half, in the hands of a chain's writer.
pub(crate) struct Signer {
    chain: String,
    epoch: u64,
    since: Stamp,
    key: SigningKey,
    /// The key that was or will be announced; it signs once its announcement is durable.
    next: Option<SigningKey>,
}

impl Signer {
    /// A new chain's signer.
    pub(crate) fn make(folder: &Folder, chain: &str, now: Stamp) -> io::Result<Self> {
        let signer = Self {
            chain: chain.to_owned(),
            epoch: 0,
            since: now,
            key: random_key()?,
            next: None,
        };
        signer.save(folder)?;
        Ok(signer)
    }

    /// The signer of a chain that is there, or nothing if its key is lost: there is none, it is
    /// garbled, or it is not the one that signs after what the chain says.
    pub(crate) fn open(
        folder: &Folder,
        chain: &str,
        signs: Option<&[u8; 32]>,
    ) -> Result<Option<Self>, FolderError> {
        let Some(bytes) = folder.small(FILE, SIZE)? else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(bytes);
        let Some((bytes, sum)) = bytes.split_first_chunk::<KEYS>() else {
            return Ok(None);
        };
        // Files of before there was a checksum have none. What the chain says is the proof anyway.
        if !sum.is_empty() && *sum != checksum(chain, bytes) {
            return Ok(None);
        }
        let number = |from: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[from..from + 8]);
            u64::from_le_bytes(eight)
        };
        let key = |from: usize| {
            let mut seed = Zeroizing::new([0; 32]);
            seed.copy_from_slice(&bytes[from..from + 32]);
            SigningKey::from_bytes(&seed)
        };
        let next = key(48);
        let mut signer = Self {
            chain: chain.to_owned(),
            epoch: number(0),
            since: Stamp(number(8)),
            key: key(16),
            next: None,
        };
        if bytes[48..].iter().any(|byte| *byte != 0)
            && signs == Some(next.verifying_key().as_bytes())
        {
            // The last writer ended after the announcement and before it could turn to the new key,
            // nobody knows how long ago: that key is taken for an old one.
            signer.next = Some(next);
            signer.turn(Stamp::default());
        }
        let fits = signs == Some(signer.key.verifying_key().as_bytes());
        Ok(fits.then_some(signer))
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn public(&self) -> String {
        STANDARD.encode(self.key.verifying_key().as_bytes())
    }

    pub(crate) fn is_old(&self, now: Stamp) -> bool {
        self.since < now.before(EPOCH)
    }

    /// Prepares the next key, and makes sure that it outlives its announcement.
    pub(crate) fn prepare(&mut self, folder: &Folder) -> io::Result<()> {
        if self.next.is_none() {
            self.next = Some(random_key()?);
            let saved = self.save(folder);
            if saved.is_err() {
                // Announced all the same, it would be the key of a chain that nobody can go on with.
                self.next = None;
            }
            return saved;
        }
        Ok(())
    }

    /// The note on a head. Announces the next key if one is prepared.
    pub(crate) fn note(&self, head: &Head, at: Stamp) -> String {
        let next = self.next.as_ref().map(|next| next.verifying_key());
        let text = body(&self.chain, head, self.epoch, at, next.as_ref());
        let signature = self.key.sign(text.as_bytes());
        let origin = origin(&self.chain);
        let mut signed = key_hash(&origin, &self.key.verifying_key()).to_vec();
        signed.extend_from_slice(&signature.to_bytes());
        format!("{text}\n\u{2014} {origin} {}\n", STANDARD.encode(signed))
    }

    /// Whether a key is announced and not yet in use.
    pub(crate) fn announces(&self) -> bool {
        self.next.is_some()
    }

    /// The announcement is durable: the new key signs, and the old one is removed.
    pub(crate) fn change(&mut self, folder: &Folder, at: Stamp) -> io::Result<()> {
        if self.next.is_some() {
            self.turn(at);
            self.save(folder)?;
        }
        Ok(())
    }

    fn turn(&mut self, at: Stamp) {
        if let Some(next) = self.next.take() {
            self.key = next;
            self.epoch += 1;
            self.since = at;
        }
    }

    fn save(&self, folder: &Folder) -> io::Result<()> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(SIZE));
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.since.0.to_le_bytes());
        bytes.extend_from_slice(&*Zeroizing::new(self.key.to_bytes()));
        match &self.next {
            Some(next) => bytes.extend_from_slice(&*Zeroizing::new(next.to_bytes())),
            None => bytes.extend_from_slice(&[0; 32]),
        }
        let sum = checksum(&self.chain, &bytes);
        bytes.extend_from_slice(&sum);
        let old = folder.write(FILE).ok();
        match (draft(folder, &bytes), &old) {
            (Ok(()), _) => folder.rename(DRAFT, FILE).map_err(FolderError::into_io)?,
            // A full disk has no room for another file, and a key must change all the same. So few
            // bytes are written at once, in the room that they have.
            (Err(error), Some(old)) if is_full(&error) => {
                old.write_all_at(&bytes, 0)?;
                return old.sync_data();
            }
            (Err(error), _) => return Err(error),
        }
        folder.sync().map_err(FolderError::into_io)?;
        if let Some(old) = old {
            // Its name is gone; what the disk still holds of it goes as well, where the file system writes in place.
            old.write_all_at(&[0; SIZE], 0)?;
            old.sync_data()?;
        }
        Ok(())
    }
}

fn draft(folder: &Folder, bytes: &[u8]) -> io::Result<()> {
    folder.remove(DRAFT).map_err(FolderError::into_io)?;
    let mut file = folder.create(DRAFT).map_err(FolderError::into_io)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Whether a chain's private key is there, without which nobody can go on with it. `signs` is the
/// public key that signs after what the chain says.
pub(crate) fn is_signable(
    folder: &Folder,
    chain: &str,
    signs: Option<&[u8; 32]>,
) -> Result<Signable, FolderError> {
    Ok(match Signer::open(folder, chain, signs)? {
        Some(_) => Signable::Yes,
        None => Signable::No,
    })
}

/// Whether a chain can be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signable {
    Yes,
    No,
}

fn checksum(chain: &str, keys: &[u8]) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(b"dropgate journal, keys of ")
        .chain_update(chain)
        .chain_update(b"\n")
        .chain_update(keys)
        .finalize();
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

/// The public half, as a verifier follows it along a chain.
#[derive(Clone)]
pub(crate) struct Trust {
    chain: String,
    /// Not known before the first note, if others went before it that were not read.
    epoch: Option<u64>,
    since: Stamp,
    key: VerifyingKey,
    /// Records up to this one are covered by a note.
    pub(crate) signed: u64,
}

impl Trust {
    /// From a chain's first record: the key in it is the root of everything that follows.
    pub(crate) fn root(chain: &str, key: &str, at: Stamp) -> Option<Self> {
        Some(Self {
            chain: chain.to_owned(),
            epoch: Some(0),
            since: at,
            key: public(key)?,
            signed: 0,
        })
    }

    /// From the first record of a segment: what stands before it is believed.
    pub(crate) fn within(chain: &str, key: &str, at: Stamp, seq: u64) -> Option<Self> {
        Some(Self {
            epoch: None,
            signed: seq.saturating_sub(1),
            ..Self::root(chain, key, at)?
        })
    }

    /// The key that signs now.
    pub(crate) fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The key as others write it down: name, hash, and type with key.
    pub(crate) fn verifier_key(&self) -> String {
        let origin = origin(&self.chain);
        let mut typed = vec![1];
        typed.extend_from_slice(self.key.as_bytes());
        let hash = key_hash(&origin, &self.key);
        format!(
            "{origin}+{:08x}+{}",
            u32::from_be_bytes(hash),
            STANDARD.encode(typed)
        )
    }

    /// Checks a note on `head` in a record of that time, and follows it to the next key.
    pub(crate) fn follow(
        &mut self,
        note: &str,
        head: &Head,
        at: Stamp,
    ) -> Result<(), &'static str> {
        let (text, signature) = note
            .rsplit_once("\n\u{2014} ")
            .ok_or("its note has no signature")?;
        let next = text
            .lines()
            .find_map(|line| line.strip_prefix("next "))
            .map(|key| public(key).ok_or("its note announces something that is no key"))
            .transpose()?;
        let epoch = self
            .epoch
            .or_else(|| stated_epoch(text))
            .ok_or("its note names no epoch")?;
        if body(&self.chain, head, epoch, at, next.as_ref()) != text {
            return Err("its note is about another head, time or epoch");
        }
        let origin = origin(&self.chain);
        let signature = signature
            .strip_prefix(origin.as_str())
            .and_then(|rest| rest.strip_prefix(' ')?.strip_suffix('\n'))
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .ok_or("its note is signed by another chain")?;
        let (hash, signature) = signature
            .split_first_chunk::<4>()
            .ok_or("its signature is cut short")?;
        let signature =
            Signature::from_slice(signature).map_err(|_| "its signature is cut short")?;
        if *hash != key_hash(&origin, &self.key) {
            return Err("its note is signed by a key of another epoch");
        }
        self.key
            .verify_strict(text.as_bytes(), &signature)
            .map_err(|_| "its signature is false")?;
        // A key that changes may do so late, since nobody changes it while nothing runs.
        if next.is_none() && self.since < at.before(EPOCH + LENIENCE) {
            return Err("its key was too old to sign at that time");
        }
        self.epoch = Some(epoch);
        if let Some(next) = next {
            self.key = next;
            self.epoch = epoch.checked_add(1);
            self.since = at;
        }
        self.signed = head.seq;
        Ok(())
    }
}

/// Whether a text has the form in which `verify` prints a chain's first key. One that has not can
/// begin no chain: whoever gives it has mistyped it.
pub fn is_verifier_key(text: &str) -> bool {
    // The origin and the hash have no such sign in them; the key in base 64 may.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Some(chain) = name.strip_prefix("dropgate/journal/") else {
        return false;
    };
    let typed = STANDARD.decode(key).unwrap_or_default();
    let key = typed
        .split_first()
        .filter(|(kind, _)| **kind == 1)
        .and_then(|(_, key)| VerifyingKey::from_bytes(key.try_into().ok()?).ok());
    key.is_some_and(|key| {
        let own = u32::from_be_bytes(key_hash(&origin(chain), &key));
        hash == format!("{own:08x}")
    })
}

fn body(chain: &str, head: &Head, epoch: u64, at: Stamp, next: Option<&VerifyingKey>) -> String {
    let hash = STANDARD.encode(head.hash.bytes());
    let next = next.map_or_else(String::new, |next| {
        format!("next {}\n", STANDARD.encode(next.as_bytes()))
    });
    format!(
        "{}\n{}\n{hash}\nepoch {epoch} at {at}\n{next}",
        origin(chain),
        head.seq
    )
}

fn stated_epoch(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("epoch "));
    line?.split_once(' ')?.0.parse().ok()
}

fn origin(chain: &str) -> String {
    format!("dropgate/journal/{chain}")
}

fn key_hash(origin: &str, key: &VerifyingKey) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(origin)
        .chain_update(b"\n\x01")
        .chain_update(key.as_bytes())
        .finalize();
    let mut hash = [0; 4];
    hash.copy_from_slice(&digest[..4]);
    hash
}

/// A public key in base 64.
pub(crate) fn public_bytes(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn public(text: &str) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(&public_bytes(text)?).ok()
}

fn random_key() -> io::Result<SigningKey> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(SigningKey::from_bytes(&seed))
}
