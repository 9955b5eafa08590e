//! The members of a record, as far as the journal itself reads them.

use std::borrow::Cow;

use serde::Deserialize;

use crate::CallRef;
use crate::entry::{Retry, Topic, What};
use crate::keys::{Fingerprint, unhex};

/// What stands in a line; a member that a kind does not have is missing.
#[derive(Deserialize, Debug, Default)]
pub(crate) struct Fields<'a> {
    #[serde(borrow)]
    call: Option<Cow<'a, str>>,
    #[serde(borrow)]
    calls: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    open: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    outcome: Option<Cow<'a, str>>,
    #[serde(borrow)]
    retry: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result_ref: Option<Cow<'a, str>>,
    #[serde(borrow)]
    original_ref: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) kept_sha256: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) class: Option<Cow<'a, str>>,
    /// Of a segment's first line: the public key that signs now.
    #[serde(borrow)]
    public_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    note: Option<Cow<'a, str>>,
    /// Of a seal: why it has no signed note.
    #[serde(borrow)]
    unsigned: Option<Cow<'a, str>>,
    /// Of a note: what it is about, and what happened to it.
    #[serde(borrow)]
    pub(crate) subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) text: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) sent: bool,
    #[serde(default)]
    pub(crate) poisoned: bool,
    #[serde(default)]
    pub(crate) end: bool,
}

impl<'a> Fields<'a> {
    /// Reads a line; one that is no JSON has no members.
    pub(crate) fn read(line: &'a [u8]) -> Self {
        serde_json::from_slice(line).unwrap_or_default()
    }

    /// The call that the record is about.
    pub(crate) fn call(&self) -> Option<CallRef> {
        CallRef::parse(self.call.as_ref()?.as_bytes())
    }

    /// The calls that it names.
    pub(crate) fn calls(&self) -> impl Iterator<Item = CallRef> + '_ {
        Self::references(self.calls.as_deref())
    }

    /// The calls that were open when the segment began.
    pub(crate) fn open(&self) -> impl Iterator<Item = CallRef> + '_ {
        Self::references(self.open.as_deref())
    }

    /// What became of the call, and whether it may be tried again.
    pub(crate) fn ended(&self) -> Option<(What, Retry)> {
        let what = What::of_word(self.outcome.as_ref()?)?;
        let retry = Retry::of_word(self.retry.as_ref()?)?;
        Some((what, retry))
    }

    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        unhex(self.fp.as_ref()?).map(Fingerprint)
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) fn is_about(&self, topic: Topic) -> bool {
        self.topic.as_deref() == Some(topic.word())
    }

    /// Where its answer is kept, as the record says it.
    pub(crate) fn kept_at(&self) -> Option<&str> {
        self.result_ref.as_deref().or(self.original_ref.as_deref())
    }

    pub(crate) fn public_key(&self) -> Option<&str> {
        self.public_key.as_deref()
    }

    /// The signed note of a checkpoint or a seal.
    pub(crate) fn signed_note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether it was written by somebody without a key.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.unsigned.is_some() && self.note.is_none()
    }

    fn references(texts: Option<&[Cow<'_, str>]>) -> impl Iterator<Item = CallRef> {
        texts
            .unwrap_or_default()
            .iter()
            .filter_map(|text| CallRef::parse(text.as_bytes()))
    }
}
