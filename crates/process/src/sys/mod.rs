//! The system calls that have no safe wrapper, each behind a safe function of
//! ours. This is the only place in the workspace with `unsafe`, and the only
//! one that knows the operating system.
#![allow(unsafe_code)]

pub(crate) mod descriptors;
pub(crate) mod environment;
pub(crate) mod exec;
pub(crate) mod fork;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod signals;
pub(crate) mod trace;
