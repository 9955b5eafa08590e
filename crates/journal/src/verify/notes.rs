//! What the signed notes along a chain vouch for.

use crate::chain::Chain;
use crate::folder::FolderError;
use crate::line::hash::{Hash, Head};
use crate::line::scan::Line;
use crate::line::time::Stamp;
use crate::record::Fields;
use crate::retention::{Stub, stamp};
use crate::sign::{MOST_UNSIGNED, Signable, Trust, is_signable};

/// The signed notes along a chain.
pub(super) struct Notes {
    chain: String,
    /// The first public key.
    pub(super) root: Option<String>,
    trust: Option<Trust>,
    /// The record and what is wrong with its note, or with the lack of one.
    pub(super) fault: Option<(u64, String)>,
    /// The seal of somebody who had no key to sign it with.
    unsigned: Option<u64>,
}

impl Notes {
    pub(super) fn new(chain: &str, stub: Option<&Stub>) -> Self {
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

    /// The first record that is read does not begin the chain: its key is believed as it stands.
    pub(super) fn begin_within(&mut self, line: &Line<'_>, raw: &[u8]) {
        let fields = Fields::read(raw);
        let key = fields.public_key().unwrap_or_default();
        let at = line.stamp().unwrap_or_default();
        self.root = None;
        self.trust = Trust::within(&self.chain, key, at, line.seq);
    }

    /// Records up to this one are covered by a note.
    pub(super) fn signed(&self) -> u64 {
        self.trust.as_ref().map_or(0, |trust| trust.signed)
    }

    pub(super) fn is_keyless(&self) -> bool {
        self.unsigned.is_some()
    }

    /// Whether nobody can sign what the end of the chain says: whoever wrote it is gone, and the
    /// key with him.
    pub(super) fn lacks_key(&self, chain: &Chain) -> Result<bool, FolderError> {
        let signs = self.trust.as_ref().map(Trust::public);
        Ok(is_signable(&chain.folder, &chain.name, signs)? == Signable::No)
    }

    fn begin(&mut self, key: &str, at: Stamp) {
        self.trust = Trust::root(&self.chain, key, at);
        self.root = self.trust.as_ref().map(Trust::verifier_key);
    }

    pub(super) fn take(&mut self, line: &Line<'_>, raw: &[u8]) {
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
