//! What is probed: a server's command, or that of a wrapper with a place for any server.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::quote;

/// Where the command of a server goes in the command of a wrapper.
pub const SERVER_PLACE: &str = "{server}";

/// Where the number of a free port goes, in a command and in the address of an HTTP wrapper.
pub const PORT_PLACE: &str = "{port}";

/// A command to probe.
///
/// With [`SERVER_PLACE`] in one of its arguments it is a wrapper: every scenario puts the command
/// of one of the built-in [`servers`](crate::servers) there, as several arguments where the
/// argument is nothing else, as one quoted command line where the place is a part of a longer one, as
/// in `--stdio={server}`.
/// Without it, it is a server, which is probed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

impl Target {
    /// Whether the command has a place for a server.
    #[must_use]
    pub fn is_wrapper(&self) -> bool {
        self.command
            .iter()
            .any(|argument| contains(argument, SERVER_PLACE))
    }

    /// The command with `server` in its place.
    pub(crate) fn with_server(&self, server: &[OsString]) -> Vec<OsString> {
        let line = quote::join(server);
        let mut command = Vec::with_capacity(self.command.len() + server.len());
        for argument in &self.command {
            if argument == SERVER_PLACE {
                command.extend_from_slice(server);
            } else {
                command.push(replace(argument, SERVER_PLACE, &line));
            }
        }
        command
    }
}

/// The command with a port in every place for one.
pub(crate) fn with_port(command: &[OsString], port: u16) -> Vec<OsString> {
    let port = OsString::from(port.to_string());
    command
        .iter()
        .map(|argument| replace(argument, PORT_PLACE, &port))
        .collect()
}

/// The command with its program found where the caller would find it, so that it can be started in
/// another directory.
pub(crate) fn from_here(mut command: Vec<OsString>, here: &Path) -> Vec<OsString> {
    if let Some(program) = command.first_mut()
        && contains(program, "/")
        && Path::new(program).is_relative()
    {
        *program = here.join(&program).into_os_string();
    }
    command
}

fn contains(text: &OsStr, part: &str) -> bool {
    text.as_bytes()
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

fn replace(text: &OsStr, part: &str, by: &OsStr) -> OsString {
    let (mut rest, part) = (text.as_bytes(), part.as_bytes());
    let mut replaced = Vec::with_capacity(rest.len());
    while let Some(at) = rest.windows(part.len()).position(|window| window == part) {
        replaced.extend_from_slice(rest.get(..at).unwrap_or_default());
        replaced.extend_from_slice(by.as_bytes());
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    replaced.extend_from_slice(rest);
    OsString::from_vec(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_server_is_spliced_or_quoted() {
        let server = words(&["/a b/probe", "__server", "plain"]);
        let rows: [(&[&str], &[&str]); 5] = [
            (&["{server}"], &["/a b/probe", "__server", "plain"]),
            (
                &["w", "--", "{server}", "end"],
                &["w", "--", "/a b/probe", "__server", "plain", "end"],
            ),
            (
                &["w", "--stdio={server}"],
                &["w", "--stdio='/a b/probe' __server plain"],
            ),
            (
                &["sh", "-c", "{server}; {server}"],
                &[
                    "sh",
                    "-c",
                    "'/a b/probe' __server plain; '/a b/probe' __server plain",
                ],
            ),
            (&["plain", "{serve}"], &["plain", "{serve}"]),
        ];
        for (template, expected) in rows {
            let target = Target {
                command: words(template),
            };
            assert_eq!(target.with_server(&server), words(expected));
            assert_eq!(
                target.is_wrapper(),
                template != ["plain", "{serve}"],
                "{template:?}"
            );
        }
    }

    #[test]
    fn a_port_is_put_wherever_there_is_a_place() {
        assert_eq!(
            with_port(&words(&["w", "--port", "{port}", "x{port}y"]), 81),
            words(&["w", "--port", "81", "x81y"])
        );
    }

    #[test]
    fn only_a_relative_path_of_the_program_is_completed() {
        let here = Path::new("/here");
        for (given, expected) in [
            ("./w", "/here/./w"),
            ("d/w", "/here/d/w"),
            ("w", "w"),
            ("/w", "/w"),
        ] {
            assert_eq!(
                from_here(words(&[given, "d/x"]), here),
                words(&[expected, "d/x"])
            );
        }
    }
}
