//! Real servers and real clients around `dropgate run`: whatever ends, nothing
//! of the tree is left.
//!
//! Without the real counterparts each test says that it was skipped.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod actor;
mod audited;
mod bounded;
mod browser;
mod clients;
mod counterparts;
mod judged;
mod newcomer;
mod page;
mod place;
mod postgres;
mod programs;
mod read_only;
mod record;
mod report;
mod rivals;
mod servers;
mod session;
mod truth;
mod user;
mod verdicts;
