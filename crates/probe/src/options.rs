//! How a probe is done.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::client::Address;
use crate::ending::Ending;

/// How a probe is done. The default is what published figures are made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long processes may take to leave after the last step of the ending before they count as
    /// survivors.
    pub bound: Duration,
    /// How long the program may take to answer `initialize` and `tools/list`, each. Launchers such
    /// as npx download packages in this time.
    pub start_within: Duration,
    /// How many cells run at once.
    pub jobs: NonZeroUsize,
    /// Whether something is put before the command.
    pub guarding: Guarding,
    /// For a server that is probed as it is: the call of the scenario `busy`. Without it there is
    /// no such scenario, since only its author knows which tool takes time and harms nothing.
    pub call: Option<Call>,
    /// For a program that offers HTTP: where, once it runs.
    pub http: Option<Address>,
    /// The working directory of the program. `None`: a new temporary one for each cell for a
    /// wrapper, and the caller's own for a server.
    pub directory: Option<PathBuf>,
    /// Names of the scenarios to run; empty means all.
    pub scenarios: Vec<String>,
    /// The endings to use; empty means all.
    pub endings: Vec<Ending>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bound: Duration::from_secs(15),
            start_within: Duration::from_secs(60),
            jobs: NonZeroUsize::MIN.saturating_add(3),
            guarding: Guarding::Direct,
            call: None,
            http: None,
            directory: None,
            scenarios: Vec::new(),
            endings: Vec::new(),
        }
    }
}

/// What stands between the host and the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Guarding {
    /// Nothing: the command is started as it is.
    #[default]
    Direct,
    /// A program that is given the command as its last arguments, such as `dropgate run --`.
    Guarded(Vec<OsString>),
}

/// A call to a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Name of the tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

impl Call {
    /// A call from the name of a tool and the JSON text of its arguments.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(tool: &str, arguments: &str) -> Result<Self, NotACall> {
        let arguments = serde_json::from_str(arguments).map_err(|source| NotACall {
            tool: tool.to_owned(),
            source,
        })?;
        Ok(Self {
            tool: tool.to_owned(),
            arguments,
        })
    }
}

/// The arguments of a call are no JSON object.
#[derive(Debug, thiserror::Error)]
#[error("the arguments of {tool:?} must be a JSON object, such as {{\"path\":\"/tmp\"}}: {source}")]
pub struct NotACall {
    tool: String,
    source: serde_json::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_must_be_an_object() {
        assert_eq!(Call::parse("t", r#"{"a":1}"#).unwrap().arguments.len(), 1);
        for text in ["", "[]", "1", "{"] {
            let error = Call::parse("t", text).unwrap_err().to_string();
            assert!(error.contains("\"t\" must be a JSON object"), "{error}");
        }
    }
}
