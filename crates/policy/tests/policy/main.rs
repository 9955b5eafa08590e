//! Decisions as the relay gets them: from files of policies and from real sockets.

mod cedar;
mod faults;
mod freshness;
mod point;
mod server;
mod stage;
