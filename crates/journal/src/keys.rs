//! Keyed hashes: what a record says of values that it must not hold.

use std::io::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::canon::canonical;
use crate::folder::{Folder, FolderError, refused, system};
use crate::line::time::Stamp;

/// The folder's keys, all made from one random file that only its owner can read.
#[derive(Clone)]
pub(crate) struct Keys {
    arguments: Hmac<Sha256>,
    fingerprints: Hmac<Sha256>,
    claims: Hmac<Sha256>,
    fields: Hmac<Sha256>,
    day: Option<(u64, Hmac<Sha256>)>,
}

/// Stands for a call's principal, server, tool, arguments and round: equal for equal ones, and nothing can be read from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fingerprint(pub(crate) [u8; 16]);

/// The fingerprints of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prints {
    /// The same for all rounds of a call: one key stands for all of them.
    pub(crate) of_key: Fingerprint,
    /// Of this round alone.
    pub(crate) of_call: Fingerprint,
}

const FILE: &str = "key";
/// Arguments over this size are hashed as they came, in one piece.
const LARGEST_FORM: usize = 1 << 20;
/// The most scalars of one call that are hashed one by one.
pub(crate) const MOST_FIELDS: usize = 64;
/// The longest path, in bytes, that is written beside a scalar's hash.
pub(crate) const LONGEST_PATH: usize = 128;

impl Keys {
    /// Reads the folder's key, if there is one.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>, FolderError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        let Some(bytes) = folder.small(FILE, key.len())? else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(bytes);
        if bytes.len() != key.len() {
            return Err(refused(
                &folder.path().join(FILE),
                "the key is cut short; remove it to begin with a new one, which forgets all idempotency keys",
            ));
        }
        key.copy_from_slice(&bytes);
        Ok(Some(Self::new(&key)))
    }

    /// Reads the folder's key, or makes it.
    pub(crate) fn open(folder: &Folder) -> Result<Self, FolderError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        loop {
            if let Some(keys) = Self::read(folder)? {
                return Ok(keys);
            }
            getrandom::fill(&mut *key)
                .map_err(|error| system(folder.path(), std::io::Error::other(error.to_string())))?;
            let mut suffix = [0; 8];
            getrandom::fill(&mut suffix)
                .map_err(|error| system(folder.path(), std::io::Error::other(error.to_string())))?;
            let draft = format!("key.{:016x}", u64::from_le_bytes(suffix));
            let mut file = folder.create(&draft)?;
            // On the disk before it has its name: a key that came back empty would stop every start.
            file.write_all(&*key)
                .and_then(|()| file.sync_all())
                .map_err(|source| system(&folder.path().join(&draft), source))?;
            // Whoever links first has made the key, and all read that one.
            match folder.link(&draft, FILE) {
                Ok(()) => {}
                Err(error) if error.is_taken() => {}
                Err(error) => return Err(error),
            }
            folder.remove(&draft)?;
            folder.sync()?;
        }
    }

    fn new(key: &[u8; 32]) -> Self {
        let root = keyed(key);
        let of = |purpose: &str| {
            let bytes = Zeroizing::new(finish(root.clone().chain_update(purpose)));
            keyed(&bytes)
        };
        Self {
            arguments: of("arguments"),
            fingerprints: of("fingerprints"),
            claims: of("claims"),
            fields: of("fields"),
            day: None,
        }
    }

    /// What a call is compared by: its key's holder, and itself.
    pub(crate) fn prints_of(
        &self,
        scope: (&str, &str, &str),
        (args, round): (&[u8], Option<&[u8]>),
        form: &mut Vec<u8>,
    ) -> Prints {
        let arguments = self.arguments(args, form, &mut |_, _| {});
        Prints {
            of_key: self.fingerprint(scope, &arguments, None),
            of_call: self.print_of_round(scope, &arguments, round, form),
        }
    }

    /// The fingerprint of one round of a call.
    pub(crate) fn print_of_round(
        &self,
        scope: (&str, &str, &str),
        arguments: &[u8; 16],
        round: Option<&[u8]>,
        form: &mut Vec<u8>,
    ) -> Fingerprint {
        let round = round.map(|round| self.arguments(round, form, &mut |_, _| {}));
        self.fingerprint(scope, arguments, round.as_ref())
    }

    /// Hashes arguments whole, and tells `field` of each scalar in them: its path and its value.
    pub(crate) fn arguments(
        &self,
        args: &[u8],
        form: &mut Vec<u8>,
        field: &mut dyn FnMut(&[u8], &[u8]),
    ) -> [u8; 16] {
        form.clear();
        let formed = args.len() <= LARGEST_FORM && canonical(args, form, field).is_ok();
        let text = if formed { form.as_slice() } else { args };
        short(&finish(self.arguments.clone().chain_update(text)))
    }

    /// The fingerprint of a call with arguments of this hash, and of what makes it a later round.
    fn fingerprint(
        &self,
        (principal, server, tool): (&str, &str, &str),
        arguments: &[u8; 16],
        round: Option<&[u8; 16]>,
    ) -> Fingerprint {
        let mut digest = self.fingerprints.clone();
        for part in [principal, server, tool] {
            digest.update(part.as_bytes());
            digest.update(&[0]);
        }
        digest.update(arguments);
        if let Some(round) = round {
            digest.update(round);
        }
        Fingerprint(short(&finish(digest)))
    }

    /// Stands for an idempotency key in its scope.
    pub(crate) fn claim(
        &self,
        (principal, server, tool): (&str, &str, &str),
        key: &str,
    ) -> [u8; 16] {
        let mut digest = self.claims.clone();
        for part in [principal, server, tool] {
            digest.update(part.as_bytes());
            digest.update(&[0]);
        }
        digest.update(key.as_bytes());
        short(&finish(digest))
    }

    /// The key of the scalars of one day, so that their hashes differ from day to day.
    pub(crate) fn of_day(&mut self, now: Stamp) -> Day {
        let today = now.0 / 86_400_000;
        if let Some((day, key)) = &self.day
            && *day == today
        {
            return Day(key.clone());
        }
        let bytes = finish(self.fields.clone().chain_update(today.to_le_bytes()));
        let key = keyed(&bytes);
        self.day = Some((today, key.clone()));
        Day(key)
    }
}

/// The key of one day's scalars.
pub(crate) struct Day(Hmac<Sha256>);

impl Day {
    /// The hash of one scalar at a path.
    pub(crate) fn field(&self, path: &[u8], value: &[u8]) -> [u8; 8] {
        let digest = self.0.clone().chain_update(path).chain_update([0]);
        let digest = finish(digest.chain_update(value));
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest[..8]);
        hash
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new(&(*key).into_block())
}

/// A key of 32 bytes as the block that the hash begins with.
trait IntoBlock {
    fn into_block(self) -> hmac::digest::Key<Hmac<Sha256>>;
}

impl IntoBlock for [u8; 32] {
    fn into_block(self) -> hmac::digest::Key<Hmac<Sha256>> {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(&self);
        block
    }
}

fn finish(digest: Hmac<Sha256>) -> [u8; 32] {
    digest.finalize().into_bytes().into()
}

fn short(digest: &[u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    short
}

/// 16 bytes of lower-case hexadecimal.
pub(crate) fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let fits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !fits {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
