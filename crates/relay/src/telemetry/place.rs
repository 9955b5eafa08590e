//! How far the journal is.

use std::sync::Arc;

use dropgate_journal::{Head, Heads};

/// The last record of a chain that is on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) chain: Arc<str>,
    pub(crate) head: Head,
}

impl Place {
    pub(crate) fn of(heads: &Heads) -> Option<Self> {
        Some(Self {
            chain: Arc::clone(heads.chain()),
            head: heads.last()?,
        })
    }
}
