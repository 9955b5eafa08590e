//! Scenarios and behaviour cases, as rows: which server, in which command shape, with which call
//! in flight.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// How the command that a check starts is built around a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The server itself.
    Direct(&'static str),
    /// `sh -c` with a command after the server, so that the shell stays as its parent: what is
    /// left of launchers such as npx once the server runs.
    Shell(&'static str),
}

impl Shape {
    /// Name of the server inside the shape.
    #[must_use]
    pub fn server(self) -> &'static str {
        match self {
            Self::Direct(server) | Self::Shell(server) => server,
        }
    }

    /// The command line, given the program that hosts the servers and the arguments that lead to
    /// [`run`](super::run), usually just [`ENTRY`](super::ENTRY). `options` follow the name.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(
        self,
        program: &OsStr,
        prefix: &[S],
        options: &[S],
    ) -> Vec<OsString> {
        let mut command: Vec<OsString> = match self {
            Self::Direct(_) => Vec::new(),
            // The program and its arguments are the shell's parameters, so nothing needs quoting.
            Self::Shell(_) => vec!["sh".into(), "-c".into(), r#""$0" "$@"; exit $?"#.into()],
        };
        command.push(program.to_owned());
        command.extend(prefix.iter().map(|arg| arg.as_ref().to_owned()));
        command.push(self.server().into());
        command.extend(options.iter().map(|arg| arg.as_ref().to_owned()));
        command
    }
}

/// A tool call that is in flight when the ending strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Name of the tool.
    pub tool: &'static str,
    /// Its arguments, as JSON text of an object.
    pub arguments: &'static str,
}

/// One row: a server and what it is doing when the ending strikes.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Name in reports.
    pub name: &'static str,
    /// The server and the shape of its command.
    pub server: Shape,
    /// The call in flight; `None` means idle.
    pub call: Option<ToolCall>,
    /// Time between the start of the call, or of being idle, and the ending.
    pub lead_in: Duration,
}

/// What process owners are checked with: each row meets each ending.
pub const SCENARIOS: &[Scenario] = &[
    idle("plain", Shape::Direct("plain")),
    idle("ignore_term", Shape::Direct("ignore_term")),
    idle("ignore_eof", Shape::Direct("ignore_eof")),
    idle("stubborn", Shape::Direct("stubborn")),
    idle("shwrap", Shape::Shell("plain")),
    idle("shwrap_noeof", Shape::Shell("ignore_eof")),
    idle("helper", Shape::Direct("helper")),
    idle("daemon", Shape::Direct("daemon")),
    calling("block", "block", "{}", Duration::from_millis(200)),
    calling("slow", "slow", r#"{"ms":2000}"#, Duration::from_millis(500)),
];

/// What callers are checked with: each row is one call to `plain`, with no ending of its own.
pub const BEHAVIOURS: &[Scenario] = &[
    calling("error_tool", "fail", r#"{"as":"tool"}"#, Duration::ZERO),
    calling("error_rpc", "fail", r#"{"as":"rpc"}"#, Duration::ZERO),
    calling("flood_stderr", "flood_stderr", "{}", Duration::ZERO),
    calling("big", "big", "{}", Duration::ZERO),
    calling("die", "die", "{}", Duration::ZERO),
    calling("chatter", "chatter", "{}", Duration::ZERO),
];

const fn idle(name: &'static str, server: Shape) -> Scenario {
    Scenario {
        name,
        server,
        call: None,
        lead_in: Duration::ZERO,
    }
}

const fn calling(
    name: &'static str,
    tool: &'static str,
    arguments: &'static str,
    lead_in: Duration,
) -> Scenario {
    Scenario {
        name,
        server: Shape::Direct("plain"),
        call: Some(ToolCall { tool, arguments }),
        lead_in,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::{names, tools};

    #[test]
    fn every_row_names_a_server_and_a_tool_that_exist() {
        let peer = crate::servers::protocol::Peer::new(Vec::new());
        let tools = tools::standard(&peer);
        for row in SCENARIOS.iter().chain(BEHAVIOURS) {
            assert!(names().contains(&row.server.server()), "{}", row.name);
            if let Some(call) = row.call {
                assert!(
                    tools.iter().any(|tool| tool.name == call.tool),
                    "{}",
                    row.name
                );
                let arguments: serde_json::Value = serde_json::from_str(call.arguments).unwrap();
                assert!(arguments.is_object(), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_shell_shape_passes_program_and_arguments_unquoted() {
        let command = Shape::Shell("plain").command(OsStr::new("/a b/p"), &["__server"], &["x"]);
        assert_eq!(command[0], "sh");
        assert_eq!(command[3..], ["/a b/p", "__server", "plain", "x"]);
    }
}
