//! What may run when the write path is down.
//!
//! Reading often works when writing does not. Then calls that write are refused at once, in words
//! that name tools that still read, and everything else runs.
//!
//! - [`Class`] is whether a tool reads or writes, and [`Claims`] who says so.
//! - [`Mode`] takes note of events and says what is possible: [`Standing`]. It asks for a probe of
//!   the write path from time to time, and for one `tools/list_changed` whenever reading-only
//!   begins or ends.
//! - [`Probed`] is what became of a probe; lost ones alone never move the mode to and fro.
//!
//! While the breakers are the only reason, a writing call passes on to its breaker and runs if it
//! is the trial ([`Judgement::OnlyAsTrial`]): otherwise nothing could ever close them.

mod catalogue;
mod class;
mod probe;
mod refusal;
mod standing;
mod state;

pub use class::{Claims, Class, Trust};
pub use probe::{FAILURES, ProbeSettings, Probed, SILENCE, SUCCESSES};
pub use standing::{Standing, Why};
pub use state::{Effect, Event, Judgement, Listed, Listing, Mode, Settings, WRITERS_DOWN};
