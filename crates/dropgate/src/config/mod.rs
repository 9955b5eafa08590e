//! `dropgate.toml`: read as written here, and nowhere else.
//!
//! [`written`] is the file's shape, [`read`] turns text into it and refuses what it does not know,
//! and [`reference`] makes the schema and the page of the documentation from the same types.

pub(crate) mod audit;
mod configured;
mod quantities;
mod read;
pub(crate) mod reference;
pub(crate) mod secrets;
pub(crate) mod texts;
mod tools;
mod weakenings;
pub(crate) mod written;

pub(crate) use self::configured::{Configured, configuration, configuration_with};
pub(crate) use self::quantities::{Size, SomeTime, Time};
pub(crate) use self::read::ConfigError;
#[cfg(test)]
pub(crate) use self::read::parse;
pub(crate) use self::tools::{ToolClass, Tools};
pub(crate) use self::weakenings::weakenings;
