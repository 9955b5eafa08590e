//! What a server is given in secret: over hidden memory that only the process which becomes the
//! server opens, so that neither the guard's memory nor anybody's arguments ever hold it.

use std::ffi::{CString, OsStr};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::hidden::HiddenFile;

/// How a value reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a variable of its environment.
    Variable,
    /// As a descriptor of a sealed memory file; the variable says its number.
    Descriptor,
}

impl Way {
    const fn letter(self) -> u8 {
        match self {
            Self::Variable => b'v',
            Self::Descriptor => b'd',
        }
    }

    const fn of_letter(letter: u8) -> Option<Self> {
        match letter {
            b'v' => Some(Self::Variable),
            b'd' => Some(Self::Descriptor),
            _other => None,
        }
    }
}

/// Names and values for one start of a server.
#[derive(Debug)]
pub struct Endowment(HiddenFile);

/// Before each entry: a letter and the lengths of name and value.
const HEAD: usize = 9;

impl Endowment {
    /// Packs values: for each its way, the name of its variable, and itself.
    ///
    /// # Errors
    /// When hidden memory can't be had, or a value that goes by the environment has a zero byte in
    /// it, which no variable can hold.
    pub fn pack(values: &[(Way, &OsStr, &[u8])]) -> io::Result<Self> {
        let sizes = values
            .iter()
            .map(|(_, name, value)| HEAD + name.len() + value.len());
        let mut file = HiddenFile::new(sizes.sum::<usize>().max(1))?;
        let mut out = file.as_mut_slice();
        for (way, name, value) in values {
            let has_zero = value.contains(&0) && *way == Way::Variable;
            if has_zero || name.is_empty() || name.as_bytes().iter().any(|b| matches!(b, 0 | b'='))
            {
                let name = name.to_string_lossy();
                let text = format!("{name}: a variable can't hold a zero byte; use into = \"fd\"");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            out.write_all(&[way.letter()])?;
            for length in [name.len(), value.len()] {
                let length = u32::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
                out.write_all(&length.to_le_bytes())?;
            }
            out.write_all(name.as_bytes())?;
            out.write_all(value)?;
        }
        Ok(Self(file))
    }

    pub(crate) fn open(file: OwnedFd) -> io::Result<Self> {
        HiddenFile::open(file).map(Self)
    }

    /// The whole environment for the server: this process's own and what is given. Descriptors are
    /// made here and inherited by the next exec.
    pub(crate) fn environment(&self) -> io::Result<Vec<CString>> {
        let given = entries(self.0.as_slice()).ok_or(io::ErrorKind::InvalidData)?;
        let is_given = |name: &OsStr| given.iter().any(|(_, one, _)| *one == name.as_bytes());
        let mut all = Vec::new();
        for (name, value) in std::env::vars_os().filter(|(name, _)| !is_given(name)) {
            all.push(variable(&name.into_vec(), value.as_bytes())?);
        }
        for (way, name, value) in &given {
            all.push(match way {
                Way::Variable => variable(name, value)?,
                Way::Descriptor => variable(name, inherited(value)?.to_string().as_bytes())?,
            });
        }
        Ok(all)
    }
}

impl AsFd for Endowment {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

type Entry<'a> = (Way, &'a [u8], &'a [u8]);

fn entries(mut rest: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut found = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(HEAD) {
        let length = |at: usize| {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let way = Way::of_letter(*head.first()?)?;
        let (name, after) = after.split_at_checked(length(1)?)?;
        let (value, after) = after.split_at_checked(length(5)?)?;
        found.push((way, name, value));
        rest = after;
    }
    rest.iter().all(|byte| *byte == 0).then_some(found)
}

fn variable(name: &[u8], value: &[u8]) -> io::Result<CString> {
    let mut text = Vec::with_capacity(name.len() + value.len() + 2);
    text.extend_from_slice(name);
    text.push(b'=');
    text.extend_from_slice(value);
    CString::new(text).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// A memory file with this value that can't be changed any more, open across exec.
fn inherited(value: &[u8]) -> io::Result<i32> {
    use std::os::fd::IntoRawFd as _;
    let mut file = std::fs::File::from(memfd_create("credential", MemfdFlags::ALLOW_SEALING)?);
    file.write_all(value)?;
    io::Seek::rewind(&mut file)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    fcntl_add_seals(&file, seals)?;
    Ok(file.into_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_again_in_place_of_what_was_inherited() {
        let values: [(Way, &OsStr, &[u8]); 2] = [
            (Way::Variable, OsStr::new("PATH"), b"s3cret=x"),
            (Way::Descriptor, OsStr::new("TOKEN_FD"), b"\0binary"),
        ];
        let packed = Endowment::pack(&values).expect("memory");
        let environment = packed.environment().expect("an environment");
        let of = |name: &str| {
            let all = environment.iter().map(|text| text.to_string_lossy());
            all.filter(|text| text.starts_with(&format!("{name}=")))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("PATH"), ["PATH=s3cret=x"]);
        let number = of("TOKEN_FD")[0].replace("TOKEN_FD=", "");
        let read = std::fs::read(format!("/proc/self/fd/{number}")).expect("a file");
        assert_eq!(read, b"\0binary");
    }

    #[test]
    fn what_no_variable_can_hold_is_refused() {
        for (way, name, value) in [
            (Way::Variable, "A", &b"a\0b"[..]),
            (Way::Variable, "", b"x"),
            (Way::Descriptor, "A=B", b"x"),
        ] {
            assert!(Endowment::pack(&[(way, OsStr::new(name), value)]).is_err());
        }
        assert!(entries(b"vxx").is_none());
        assert!(entries(&[b'v', 255, 0, 0, 0, 0, 0, 0, 0]).is_none());
    }
}
