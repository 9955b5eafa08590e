//! A small MCP client: one thread, no runtime, one wait for everything that can arrive.
//!
//! It asks for nothing that it does not need, so that it works with every server: `initialize`,
//! `tools/list`, one call, and one more request that shows that the call has arrived.

mod http;
mod inbox;
mod message;
mod pipes;
mod session;

pub use self::http::{Address, NotAnAddress};
pub(crate) use self::inbox::Answered;
pub(crate) use self::message::{Id, Method, Question};
pub(crate) use self::session::Session;
