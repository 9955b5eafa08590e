//! The sanitiser as the relay uses it: whole lines in, whole lines out.

mod answers;
mod any_bytes_body;
mod corpus;
mod limits;
mod notifications;
mod stderr;
mod support;
