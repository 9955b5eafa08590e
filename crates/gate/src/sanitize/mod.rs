//! Nothing of a server's inside leaves by its errors: what is replaced, and the text that may leave.
//!
//! A line that needs no change is [`Verdict::Clean`] and leaves as the bytes that came. Otherwise the relay sends the
//! line of the [`Replacement`] and keeps the original in the journal, under the reference that the new line names.
//!
//! | what | how it is treated |
//! |---|---|
//! | a successful result, a request, other notifications | searched for exact values of secrets, nothing else |
//! | a result with `isError` | every text in it is cleaned: in `content`, `structuredContent` (kept, since a client may check it against a schema) and members that are not known |
//! | a JSON-RPC error -32600 to -32602 | the message is cleaned and cut at 1 KiB, `data` is dropped |
//! | any other JSON-RPC error | a fixed sentence by [`Class`], `data` is dropped |
//! | `notifications/message`, `notifications/progress` | `data`, `logger` and `message` are cleaned |
//! | stderr | secrets always; everything else only with [`Profile::Strict`] |
//!
//! Cleaning removes secrets, stack frames, folders of absolute paths, statements and their parameters, values that a
//! database quotes from a row, addresses inside of a network, and links that carry a library's version; the strict
//! profile removes version numbers too. It works on decoded text, so an escape of JSON hides nothing.
//!
//! It fails closed: a text that can't be taken apart, takes too long or is over 16 MiB is replaced as a whole. Nothing
//! here has a clock; the caller's closure says when the time of a message is up, and [`MAX_WORK`] what it should allow.
//!
//! A [`Sanitizer`] does not hold the values that it knows: they are told by keyed hashes, and what was put together to
//! make these is wiped.

mod address;
mod answer;
mod budget;
mod bytes;
mod clean;
mod exact;
mod notification;
mod path;
mod pieces;
mod public_text;
mod secret;
mod settings;
mod span;
mod sql;
mod stack;
mod stderr;
#[cfg(test)]
mod tests;
mod verdict;
mod version;
mod views;

pub use answer::{Answer, Asked, claims_outcome};
pub use budget::{Fault, MAX_MESSAGE_BYTES, MAX_WORK, Time};
pub use public_text::{Class, PublicText};
pub use settings::{Profile, Settings, is_protocol_code};
pub use span::{Kind, Redactions};
pub use stderr::{Forward, StderrFilter};
pub use verdict::{Replacement, Verdict};

use std::borrow::Cow;

use budget::Budget;
use clean::{Depth, clean};
use exact::Values;

/// Cleans what leaves toward the host. Shared by all calls; when secrets change, a new one is made.
#[derive(Debug, Default)]
pub struct Sanitizer {
    settings: Settings,
    values: Values,
}

impl Sanitizer {
    /// A sanitiser that knows the values of these secrets. Values shorter than eight bytes are ignored, since they would
    /// be found in harmless places.
    #[must_use]
    pub fn new<'v>(settings: Settings, secrets: impl IntoIterator<Item = &'v [u8]>) -> Self {
        Self {
            settings,
            values: Values::new(secrets),
        }
    }

    /// As [`Sanitizer::new`], with values that are lent one after the other: `lend` calls what it is
    /// given with each.
    #[must_use]
    pub fn knowing(settings: Settings, lend: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        Self {
            settings,
            values: Values::lent(lend),
        }
    }

    /// Whether there is no secret to look for, so that results that succeed need no look.
    #[must_use]
    pub fn knows_no_values(&self) -> bool {
        self.values.is_empty()
    }

    /// What a text may say outside: of an error of dropgate's own, of a reason that something outside gave.
    #[must_use]
    pub fn text(&self, text: &str, time: &dyn Fn() -> Time) -> PublicText {
        let mut redactions = Redactions::default();
        match self.cleaned(text, Depth::All, &mut redactions, &mut Budget::new(time)) {
            Ok(cleaned) => PublicText::cleaned(cleaned.unwrap_or_else(|| text.to_owned())),
            Err(_fault) => PublicText::of(Class::ErrorWithheld),
        }
    }

    /// Whether the value of a secret stands in a text that must stay as it is, or there is no time to find out.
    #[must_use]
    pub fn finds_value(&self, text: &str, time: &dyn Fn() -> Time) -> bool {
        let found = || self.values.is_in(text.as_bytes(), &mut Budget::new(time));
        !self.values.is_empty() && found().unwrap_or(true)
    }

    /// Whether a text holds the value of a secret or what looks like a credential, or there is no time to find out.
    #[must_use]
    pub fn finds_credential(&self, text: &str, time: &dyn Fn() -> Time) -> bool {
        self.credentials(text, time) != Ok(0)
    }

    /// How many pieces of a text are the value of a secret or look like a credential.
    ///
    /// # Errors
    /// There is no time to find out, or the text is too long.
    pub fn credentials(&self, text: &str, time: &dyn Fn() -> Time) -> Result<u32, Fault> {
        let mut redactions = Redactions::default();
        self.cleaned(
            text,
            Depth::Secrets,
            &mut redactions,
            &mut Budget::new(time),
        )?;
        Ok(redactions.total())
    }

    /// The cleaned text, or nothing if it is clean.
    fn cleaned(
        &self,
        text: &str,
        depth: Depth,
        redactions: &mut Redactions,
        budget: &mut Budget<'_>,
    ) -> Result<Option<String>, Fault> {
        let cleaned = clean(
            text.as_bytes(),
            depth,
            self.settings.profile,
            &self.values,
            redactions,
            budget,
        )?;
        Ok(cleaned.map(|bytes| match String::from_utf8_lossy(&bytes) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        }))
    }
}
