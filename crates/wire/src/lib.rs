//! Newline framing, strict scan and borrowed envelopes of JSON-RPC messages.
//!
//! Bytes go in and the same bytes go out: [`LineBuffer`] splits a stream into lines, [`scan`] checks a line in one
//! strict pass and lends out its envelope, and [`reply`] writes the few messages that dropgate says itself.
//! Nothing here waits, reads or writes, and nothing panics, whatever the bytes are.

#![forbid(unsafe_code)]

mod call_meta;
mod decimal;
pub mod edit;
mod envelope;
mod id;
mod keys;
mod limits;
mod line;
mod members;
mod nesting;
mod reject;
pub mod reply;
mod salvage;
mod scanner;
mod specials;
mod text;

pub use call_meta::CallMeta;
pub use envelope::{Envelope, Notification, Request, Response, ResponseKind, scan, scan_buffered};
pub use id::{Id, IdKey, MAX_ID_BYTES};
pub use limits::{Direction, Limits};
pub use line::{Line, LineBuffer, Prepare, Retain};
pub use reject::{Reason, Rejected, Shape};
pub use salvage::too_long;
