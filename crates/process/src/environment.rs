//! Variables that this process was given and should no longer show.

use std::io;

use crate::hidden::Hidden;
use crate::sys::environment::{self, Alone, Chosen};

/// Variables that were taken out of the environment, in hidden memory.
#[derive(Debug)]
pub struct Withdrawn {
    texts: Hidden,
    length: usize,
}

impl Withdrawn {
    /// Name and value of each.
    pub fn variables(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let texts = self.texts.as_slice().get(..self.length).unwrap_or_default();
        texts
            .split(|byte| *byte == 0)
            .filter_map(|text| text.split_at_checked(name_length(text)?))
            .map(|(name, value)| (name, value.get(1..).unwrap_or_default()))
    }

    /// The value of one.
    #[must_use]
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.variables()
            .find_map(|(one, value)| (one == name).then_some(value))
    }
}

/// Takes the variables whose names are chosen out of this process's environment: what it starts
/// does not inherit them, and `/proc/PID/environ` has zeros in their place.
///
/// # Errors
/// When this process has other threads, which could be reading the environment, or `/proc` does not
/// tell, or there is no memory. Nothing is taken then.
pub fn withdraw(chosen: impl Fn(&[u8]) -> Choice) -> io::Result<Withdrawn> {
    let alone = Alone::proved()?;
    let chosen = |text: &[u8]| match name_length(text) {
        Some(length) if chosen(text.get(..length).unwrap_or_default()) == Choice::Withdraw => {
            Chosen::Yes { name: length + 1 }
        }
        Some(_) | None => Chosen::No,
    };
    let mut length = 0;
    environment::each(&alone, |text| {
        if let Chosen::Yes { .. } = chosen(text) {
            length += text.len() + 1;
        }
    });
    let mut texts = Hidden::new_or_unlocked(length)?;
    let mut at = 0;
    environment::withdraw(&alone, chosen, |text| {
        if let Some(place) = texts.as_mut_slice().get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
        at += text.len() + 1;
    });
    Ok(Withdrawn { texts, length })
}

/// What becomes of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It stays where it is.
    Keep,
    /// It is taken out.
    Withdraw,
}

/// A name may begin with the sign itself, as some systems' own variables do.
fn name_length(text: &[u8]) -> Option<usize> {
    let after_first = text.get(1..)?.iter().position(|byte| *byte == b'=')?;
    Some(after_first + 1)
}
