//! Secrets for a server: read into memory of their own, given to the server alone, wiped at the
//! end, and their leases revoked.
//!
//! No value passes through a `String`, a format or a serde buffer: it is read by plain `read(2)`
//! into hidden memory, put together there, and handed on from there. That is also why requests to a
//! Vault are written and their replies taken apart here, instead of by a client library, which
//! keeps copies of headers and bodies in memory that it gives back as it is.
#![forbid(unsafe_code)]

mod folder;
mod http;
mod json;
mod keeping;
mod legacy;
mod secret;
mod secrets;
mod source;
mod template;
mod vault;

pub use folder::sweep_folders;
pub use http::{Peer, PeerError, PostError, Posted};
pub use keeping::{LeaseEnd, Leases, News, end_all};
pub use legacy::{Legacy, close};
pub use secret::{MAX_SECRET, Secret, SecretError, Token, Value};
pub use secrets::{Into, OnLost, Secrets, StartError, Wanted};
pub use source::{Source, SourceError};
pub use template::{Template, TemplateError};
pub use vault::{Login, Session, Vault, VaultError, VaultSettings, check_address, is_path};
