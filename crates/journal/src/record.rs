//! The members of a record, as far as the journal itself reads them.

use std::borrow::Cow;

use serde::Deserialize;

use crate::CallRef;

/// What stands in a line; a member that a kind does not have is missing.
#[derive(Deserialize, Debug, Default)]
pub(crate) struct Fields<'a> {
    #[serde(borrow)]
    call: Option<Cow<'a, str>>,
    #[serde(borrow)]
    calls: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    open: Option<Vec<Cow<'a, str>>>,
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

    fn references(texts: Option<&[Cow<'_, str>]>) -> impl Iterator<Item = CallRef> {
        texts
            .unwrap_or_default()
            .iter()
            .filter_map(|text| CallRef::parse(text.as_bytes()))
    }
}
