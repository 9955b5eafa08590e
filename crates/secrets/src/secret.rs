//! One secret value.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use dropgate_process::hidden::Hidden;

/// The most bytes of one secret.
pub const MAX_SECRET: usize = 64 << 10;

/// What a server is given.
#[derive(Debug)]
pub enum Value {}

/// What dropgate itself shows to a Vault; it never reaches a server.
#[derive(Debug)]
pub enum Token {}

/// A value in hidden memory, wiped when dropped. It can't be shown, formatted, compared or
/// serialised; it can be lent to a closure. `T` says what it is for, so that a token can't be taken
/// for a server's value.
///
/// ```compile_fail
/// let secret = dropgate_secrets::Secret::<dropgate_secrets::Value>::of_parts(&[b"x"])?;
/// println!("{secret}");
/// # Ok::<(), dropgate_secrets::SecretError>(())
/// ```
pub struct Secret<T> {
    memory: Hidden,
    length: usize,
    what: PhantomData<fn() -> T>,
}

/// Why a value could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is larger than any secret should be.
    #[error("it is larger than {MAX_SECRET} bytes")]
    TooLong,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// No memory that can be locked.
    #[error("{0}")]
    Memory(io::Error),
    /// It could not be read.
    #[error("{0}")]
    Read(#[from] io::Error),
}

impl<T> Secret<T> {
    /// Reads all of a file, pipe or socket, straight into hidden memory.
    ///
    /// # Errors
    /// It can't be read, is empty, or is longer than [`MAX_SECRET`].
    pub fn read(from: impl AsFd) -> Result<Self, SecretError> {
        let mut memory = Hidden::new(MAX_SECRET + 1).map_err(SecretError::Memory)?;
        let mut length = 0;
        loop {
            let free = memory.as_mut_slice().get_mut(length..).unwrap_or_default();
            if free.is_empty() {
                return Err(SecretError::TooLong);
            }
            match rustix::io::read(&from, free) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(SecretError::Read(error.into())),
            }
        }
        // A smaller place, so that many secrets fit into what may be locked.
        Self::of_parts(&[memory.as_slice().get(..length).unwrap_or_default()])
    }

    /// A value put together from parts that already stand in hidden memory, or are no secrets.
    ///
    /// # Errors
    /// All of it is empty or longer than [`MAX_SECRET`].
    pub fn of_parts(parts: &[&[u8]]) -> Result<Self, SecretError> {
        let length = parts.iter().map(|part| part.len()).sum();
        if length == 0 {
            return Err(SecretError::Empty);
        }
        if length > MAX_SECRET {
            return Err(SecretError::TooLong);
        }
        let mut memory = Hidden::new(length).map_err(SecretError::Memory)?;
        let mut rest = memory.as_mut_slice();
        for part in parts {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        Ok(Self {
            memory,
            length,
            what: PhantomData,
        })
    }

    /// A value made of decoded bytes: `write` fills the given place and says how much it used.
    pub(crate) fn decoded(
        most: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<Self, SecretError> {
        if most > MAX_SECRET {
            return Err(SecretError::TooLong);
        }
        let mut memory = Hidden::new(most.max(1)).map_err(SecretError::Memory)?;
        let written = write(memory.as_mut_slice()).ok_or_else(invalid)?;
        if written == 0 {
            return Err(SecretError::Empty);
        }
        Ok(Self {
            memory,
            length: written,
            what: PhantomData,
        })
    }

    /// Lends the value.
    pub fn expose<R>(&self, to: impl FnOnce(&[u8]) -> R) -> R {
        to(self.bytes())
    }

    /// Without the line end that editors and shells leave behind a value.
    ///
    /// # Errors
    /// Nothing else was there.
    pub fn without_line_end(mut self) -> Result<Self, SecretError> {
        while self
            .bytes()
            .last()
            .is_some_and(|last| matches!(last, b'\n' | b'\r'))
        {
            self.length -= 1;
        }
        match self.length {
            0 => Err(SecretError::Empty),
            _ => Ok(self),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory
            .as_slice()
            .get(..self.length)
            .unwrap_or_default()
    }
}

fn invalid() -> SecretError {
    SecretError::Read(io::ErrorKind::InvalidData.into())
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_joined_and_never_shown() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"hunter2-hunter2\r\n").unwrap();
        drop(writer);
        let read: Secret<Value> = Secret::read(reader).unwrap();
        let read = read.without_line_end().unwrap();
        read.expose(|value| assert_eq!(value, b"hunter2-hunter2"));
        assert_eq!(format!("{read:?}"), "Secret");
        let joined: Secret<Value> = Secret::of_parts(&[b"a:", read.bytes()]).unwrap();
        joined.expose(|value| assert_eq!(value, b"a:hunter2-hunter2"));
    }

    #[test]
    fn a_line_end_alone_is_no_value() {
        let line_end: Secret<Value> = Secret::of_parts(&[b"\r\n\n"]).unwrap();
        assert!(matches!(
            line_end.without_line_end(),
            Err(SecretError::Empty)
        ));
    }

    #[test]
    fn the_bounds_hold() {
        let most = vec![b'x'; MAX_SECRET];
        assert!(Secret::<Value>::of_parts(&[&most]).is_ok());
        assert!(matches!(
            Secret::<Value>::of_parts(&[&most, b"x"]),
            Err(SecretError::TooLong)
        ));
        assert!(matches!(
            Secret::<Value>::of_parts(&[]),
            Err(SecretError::Empty)
        ));
        let zeros = std::fs::File::open("/dev/zero").unwrap();
        assert!(matches!(
            Secret::<Value>::read(zeros),
            Err(SecretError::TooLong)
        ));
    }
}
