//! What the crate promises to those who link it.

mod any_bytes;
mod duplicates;
mod framing;
mod grammar;
mod ids;
mod limits;
mod lines_body;
mod messages;
mod scan_body;
