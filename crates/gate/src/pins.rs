//! Tool definitions are pinned on first sight, so that a server can't quietly change what the
//! model is told a tool does.
//!
//! The first complete `tools/list` is trusted as it is and remembered as a [`PinStore`], which the
//! caller keeps in a file. Later lists are compared with it: [`Pins`] says which tools are new,
//! changed or gone, and under [`Mode::Enforce`] denies those that nobody accepted.

mod page;
mod session;
mod store;

pub use page::{Extent, MAX_DEFINITION, MAX_TOOLS, OddPage, Sha256, ToolDefinition, ToolPage};
pub use session::{Mode, Observation, PinVerdict, Pins, Sighting, Standing, Store};
pub use store::{Accepted, MAX_STORE, Pin, PinStore, Recorded, StoreUnreadable};

#[cfg(test)]
mod tests;
