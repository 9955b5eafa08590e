//! The tools of a server as far as the mode needs them.

use super::class::Class;

/// The most reading tools that are remembered.
const MAX_READERS: usize = 16;

/// The longest name that is told to a model, in bytes.
const MAX_TOLD: usize = 64;

/// Which tools read, the first few by name, and how many write.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    readers: Vec<Box<str>>,
    writers: Writers,
}

/// How many tools write.
#[derive(Debug, Default)]
enum Writers {
    /// No list was seen.
    #[default]
    Unseen,
    /// So many.
    Seen(usize),
}

impl Catalogue {
    pub(super) fn of<'a>(tools: impl IntoIterator<Item = (&'a str, Class)>) -> Self {
        let mut readers = Vec::new();
        let mut writers = 0;
        for (name, class) in tools {
            match class {
                Class::Write => writers += 1,
                Class::Read if readers.len() < MAX_READERS && is_plain(name) => {
                    readers.push(name.into());
                }
                Class::Read => {}
            }
        }
        Self {
            readers,
            writers: Writers::Seen(writers),
        }
    }

    pub(super) fn readers(&self) -> impl Iterator<Item = &str> {
        self.readers.iter().map(|name| &**name)
    }

    /// How many tools write; any number if no list was seen.
    pub(super) fn writers(&self) -> usize {
        match self.writers {
            Writers::Unseen => usize::MAX,
            Writers::Seen(count) => count,
        }
    }
}

/// Whether a name is one that the protocol allows, so that it says nothing else to a model.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    (1..=MAX_TOLD).contains(&name.len()) && name.bytes().all(plain)
}
