//! The real binary, a real OpenBao and a real PostgreSQL: what the server is given, what of it can
//! be found, and that it is worth nothing afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bao;
mod base;
mod echo;
mod erasure;
mod leases;
mod logins;
mod pair;
mod proxy;
mod reload;
mod scan;
mod session;
#[path = "../../../../crates/dropgate/tests/telemetry/sink.rs"]
#[allow(
    dead_code,
    reason = "the other tests of this collector ask it for more"
)]
mod sink;
