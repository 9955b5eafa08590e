//! Results and original texts, encrypted beside their segment. Removing the
//! key of a segment erases all that it kept; the chain holds only a hash of
//! what stands here.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::CallRef;
use crate::entry::MAX_KEPT;
use crate::folder::{Folder, FolderError};
use crate::line::hash::Hash;

/// The sidecar of one segment, for appending.
pub(crate) struct Sidecar {
    pub(crate) segment: u64,
    file: File,
    cipher: XChaCha20Poly1305,
    length: u64,
    dirty: Dirty,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dirty {
    No,
    Yes,
}

/// Where something is kept: as a record says it, `segment:offset:length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    segment: u64,
    offset: u64,
    length: u64,
}

const NONCE: usize = 24;
const TAG: usize = 16;

pub(crate) fn file_name(segment: u64) -> String {
    format!("{segment:08}.kept")
}

pub(crate) fn key_name(segment: u64) -> String {
    format!("{segment:08}.kept-key")
}

impl Sidecar {
    pub(crate) fn open(chain: &Folder, segment: u64) -> io::Result<Self> {
        let key_file = key_name(segment);
        let key = match read_key(chain, segment).map_err(FolderError::into_io)? {
            Some(key) => key,
            None => {
                let mut key = Zeroizing::new([0_u8; 32]);
                getrandom::fill(&mut *key).map_err(|error| io::Error::other(error.to_string()))?;
                chain.remove(&key_file).map_err(FolderError::into_io)?;
                let mut file = chain.create(&key_file).map_err(FolderError::into_io)?;
                file.write_all(&*key)?;
                file.sync_all()?;
                key
            }
        };
        let file = chain
            .write_or_create(&file_name(segment))
            .map_err(FolderError::into_io)?;
        chain.sync().map_err(FolderError::into_io)?;
        let length = file.metadata()?.len();
        Ok(Self {
            segment,
            file,
            cipher: XChaCha20Poly1305::new(&Key::from(*key)),
            length,
            dirty: Dirty::No,
        })
    }

    /// Appends, and says where and what stands there.
    pub(crate) fn keep(&mut self, call: &CallRef, bytes: &[u8]) -> io::Result<(String, Hash)> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        let payload = Payload {
            msg: bytes,
            aad: call.letters(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| io::Error::other("the text can not be encrypted"))?;
        let mut frame = nonce.to_vec();
        frame.extend_from_slice(&sealed);
        self.file.write_all_at(&frame, self.length)?;
        let spot = Spot {
            segment: self.segment,
            offset: self.length,
            length: u64::try_from(frame.len()).unwrap_or_default(),
        };
        self.length += spot.length;
        self.dirty = Dirty::Yes;
        Ok((spot.to_text(), Hash::of_bytes(&frame)))
    }

    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.dirty == Dirty::Yes {
            self.file.sync_data()?;
            self.dirty = Dirty::No;
        }
        Ok(())
    }
}

impl Spot {
    fn to_text(self) -> String {
        format!("{}:{}:{}", self.segment, self.offset, self.length)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|part| part.parse::<u64>().ok());
        let spot = Self {
            segment: parts.next()??,
            offset: parts.next()??,
            length: parts.next()??,
        };
        let most = u64::try_from(MAX_KEPT + NONCE + TAG).unwrap_or_default();
        (parts.next().is_none() && spot.length <= most).then_some(spot)
    }

    /// Reads what is kept there, if its key is still there and nobody changed it.
    pub(crate) fn read(
        self,
        chain: &Folder,
        call: &CallRef,
        digest: &Hash,
    ) -> Result<Option<Box<[u8]>>, FolderError> {
        let Some(key) = read_key(chain, self.segment)? else {
            return Ok(None);
        };
        let file = match chain.read(&file_name(self.segment)) {
            Ok(file) => file,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut frame = vec![0; usize::try_from(self.length).unwrap_or_default()];
        if file.read_exact_at(&mut frame, self.offset).is_err() {
            return Ok(None);
        }
        if Hash::of_bytes(&frame) != *digest {
            return Ok(None);
        }
        let Some((nonce, sealed)) = frame.split_first_chunk::<NONCE>() else {
            return Ok(None);
        };
        let payload = Payload {
            msg: sealed,
            aad: call.letters(),
        };
        let opened =
            XChaCha20Poly1305::new(&Key::from(*key)).decrypt(&XNonce::from(*nonce), payload);
        Ok(opened.ok().map(Into::into))
    }
}

fn read_key(chain: &Folder, segment: u64) -> Result<Option<Zeroizing<[u8; 32]>>, FolderError> {
    let Some(bytes) = chain.small(&key_name(segment), 32)? else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(bytes);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Ok(None);
    }
    key.copy_from_slice(&bytes);
    Ok(Some(key))
}
