//! What the closer needs to do in the place of a run that was killed: a token and what it is to
//! end, in hidden memory that the guard holds and does not read.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dropgate_process::hidden::HiddenFile;

use crate::folder;
use crate::keeping::{LeaseEnd, end_all};
use crate::secret::{Secret, Token};
use crate::vault::{Belongs, Renewal, Session, Vault, VaultSettings};

/// The memory, held as long as it may be handed on.
#[derive(Debug)]
pub struct Legacy(HiddenFile);

/// Letters of the parts.
const ADDRESS: u8 = b'a';
const NAMESPACE: u8 = b'n';
const ROOTS: u8 = b'r';
const TIMEOUT: u8 = b't';
const TOKEN: u8 = b's';
const OWN: u8 = b'o';
const LEASE: u8 = b'l';
const FOLDER: u8 = b'f';
/// A letter and a length before each part.
const HEAD: usize = 5;

impl Legacy {
    /// Puts together what a closer will need.
    pub(crate) fn new(
        held: Option<(&Vault, &Session)>,
        leases: &[String],
        folder: Option<&std::path::Path>,
    ) -> io::Result<Self> {
        let mut parts: Vec<(u8, &[u8])> = Vec::new();
        let timeout;
        if let Some((vault, session)) = held {
            let settings = vault.settings();
            timeout = settings.timeout.as_millis().to_string();
            parts.push((ADDRESS, settings.address.as_bytes()));
            parts.push((TIMEOUT, timeout.as_bytes()));
            if let Some(namespace) = &settings.namespace {
                parts.push((NAMESPACE, namespace.as_bytes()));
            }
            if let Some(path) = &settings.ca_file {
                parts.push((ROOTS, path.as_os_str().as_bytes()));
            }
            if session.belongs == Belongs::ToThisRun {
                parts.push((OWN, b""));
            }
            parts.push((TOKEN, session.token.bytes()));
        }
        parts.extend(leases.iter().map(|id| (LEASE, id.as_bytes())));
        parts.extend(folder.map(|path| (FOLDER, path.as_os_str().as_bytes())));
        let size = parts
            .iter()
            .map(|(_, bytes)| HEAD + bytes.len())
            .sum::<usize>();
        let mut file = HiddenFile::new(size.max(1))?;
        let mut out = file.as_mut_slice();
        for (letter, bytes) in parts {
            let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
            io::Write::write_all(&mut out, &[letter])?;
            io::Write::write_all(&mut out, &length.to_le_bytes())?;
            io::Write::write_all(&mut out, bytes)?;
        }
        Ok(Self(file))
    }

    /// A descriptor of it for the guard.
    pub(crate) fn to_hand_on(&self) -> io::Result<OwnedFd> {
        use std::os::fd::AsFd as _;
        self.0.as_fd().try_clone_to_owned()
    }

    /// Overwrites it, for the guard as well: there is nothing left to do.
    pub(crate) fn wipe(&mut self) {
        self.0.wipe();
    }
}

/// Does what a killed run left undone: removes its files, ends its leases and its token. Says what
/// became of each lease; one that is not ended is found by the next start.
///
/// # Errors
/// When the memory is none of ours.
pub fn close(memory: OwnedFd, within: Duration) -> io::Result<Vec<LeaseEnd>> {
    let until = Instant::now() + within;
    let mut file = HiddenFile::open(memory)?;
    let mut found = Found::default();
    if file.as_slice().iter().all(|byte| *byte == 0) {
        // The run had done it all before it was killed.
        return Ok(Vec::new());
    }
    read(file.as_slice(), &mut found).ok_or(io::ErrorKind::InvalidData)?;
    if let Some(path) = found.folder.take() {
        folder::remove(&path);
    }
    let session = found.token.take().map(|token| Session {
        token,
        belongs: found.belongs,
        lasts: Duration::ZERO,
        renewal: Renewal::Refused,
    });
    file.wipe();
    let vault = found.settings.take().map(Vault::new);
    let ended = match (vault, session) {
        (Some(Ok(vault)), Some(session)) => end_all(&vault, &session, &found.leases, until),
        (_, _) => found.leases.into_iter().map(LeaseEnd::Pending).collect(),
    };
    Ok(ended)
}

struct Found {
    settings: Option<VaultSettings>,
    token: Option<Secret<Token>>,
    belongs: Belongs,
    leases: Vec<String>,
    folder: Option<PathBuf>,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            settings: None,
            token: None,
            belongs: Belongs::ToTheUser,
            leases: Vec::new(),
            folder: None,
        }
    }
}

fn read(mut rest: &[u8], found: &mut Found) -> Option<()> {
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    while let Some((head, after)) = rest.split_at_checked(HEAD) {
        let length = u32::from_le_bytes(head.get(1..)?.try_into().ok()?);
        let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        match (*head.first()?, &mut found.settings) {
            (ADDRESS, settings) => {
                *settings = Some(VaultSettings {
                    address: text(bytes)?,
                    namespace: None,
                    ca_file: None,
                    timeout: Duration::from_secs(2),
                });
            }
            (NAMESPACE, Some(settings)) => settings.namespace = Some(text(bytes)?),
            (ROOTS, Some(settings)) => settings.ca_file = Some(path(bytes)),
            (TIMEOUT, Some(settings)) => {
                settings.timeout = Duration::from_millis(text(bytes)?.parse().ok()?);
            }
            (TOKEN, _) => found.token = Some(Secret::of_parts(&[bytes]).ok()?),
            (OWN, _) => found.belongs = Belongs::ToThisRun,
            (LEASE, _) => found.leases.push(text(bytes)?),
            (FOLDER, _) => found.folder = Some(path(bytes)),
            (_other, _) => return None,
        }
    }
    rest.iter().all(|byte| *byte == 0).then_some(())
}
