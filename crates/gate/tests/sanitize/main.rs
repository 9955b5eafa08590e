//! The sanitiser as the relay uses it: whole lines in, whole lines out.

mod answers;
mod corpus;
mod limits;
mod notifications;
mod stderr;
mod support;
