//! How far a chain is, as another thread may ask.

use std::sync::Arc;

use crate::line::hash::Head;
use crate::shared::Shared;

/// Knows the last record of a writer's chain that is on the disk.
#[derive(Clone)]
pub struct Heads {
    chain: Arc<str>,
    shared: Arc<Shared>,
}

impl Heads {
    pub(crate) fn new(chain: &str, shared: &Arc<Shared>) -> Self {
        Self {
            chain: chain.into(),
            shared: Arc::clone(shared),
        }
    }

    /// The name of the chain.
    pub fn chain(&self) -> &Arc<str> {
        &self.chain
    }

    /// The last record that was synced; none before the first of this writer.
    pub fn last(&self) -> Option<Head> {
        self.shared.news().durable
    }
}
