//! `cargo xtask rivals`: what wrappers leave behind, as the table of the README.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::counterparts;
use crate::failure::{Doing, Failure};
use crate::step::Step;
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(25 * 60);
/// Where the wrappers that serve HTTP are spoken to.
const ENDPOINT: &str = "http://127.0.0.1:{port}/mcp";

/// A program to probe, and how.
struct Row {
    program: &'static str,
    flags: &'static [&'static str],
    /// The command; its first word is a path below the counterparts, if any.
    below: Option<&'static str>,
    arguments: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        program: "`dropgate run`",
        flags: &["--guarded"],
        below: None,
        arguments: &["{server}"],
    },
    Row {
        program: "a bare server",
        flags: &[],
        below: None,
        arguments: &["{server}"],
    },
    Row {
        program: "supergateway (HTTP)",
        flags: &["--http", ENDPOINT],
        below: Some("npm/node_modules/.bin/supergateway"),
        arguments: &[
            "--stdio={server}",
            "--outputTransport",
            "streamableHttp",
            "--stateful",
            "--port",
            "{port}",
        ],
    },
    Row {
        program: "mcp-proxy from npm (HTTP)",
        flags: &["--http", ENDPOINT],
        below: Some("npm/node_modules/.bin/mcp-proxy"),
        arguments: &["--host", "127.0.0.1", "--port", "{port}", "--", "{server}"],
    },
    Row {
        program: "mcp-proxy from PyPI (HTTP)",
        flags: &["--http", ENDPOINT],
        below: Some("python/bin/mcp-proxy"),
        arguments: &["--port", "{port}", "--pass-environment", "--", "{server}"],
    },
];

/// Probes every row, one after the other, and prints the table.
///
/// # Errors
/// A counterpart or the build is missing, or a program can't be probed.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(other) = arguments.first() {
        return Err(Failure::usage(format!("`{other}`: rivals takes no flags")));
    }
    counterparts::install()?;
    let mut build = workspace::cargo();
    build.args(["build", "--release", "--package", "dropgate"]);
    Step::new("build dropgate", BUILD_LIMIT, build).run()?;
    eprintln!("| program | cells that leaked |\n|---|---|");
    for row in ROWS {
        let summary = probe(row)?;
        eprintln!(
            "| {} | {} of {} |",
            row.program, summary["leaked"], summary["cells"]
        );
    }
    Ok(())
}

fn probe(row: &Row) -> Result<Value, Failure> {
    let mut command = Command::new(workspace::target_dir().join("release/dropgate"));
    command
        .args(["probe", "--format", "json"])
        .args(row.flags)
        .arg("--");
    if let Some(below) = row.below {
        command.arg(workspace::counterparts().join(below));
    }
    command
        .args(row.arguments)
        .env("PATH", path()?)
        .stderr(Stdio::inherit());
    let output = command
        .output()
        .doing(format_args!("probing {}", row.program))?;
    let findings: Value = serde_json::from_slice(&output.stdout).doing(format_args!(
        "reading what the probe of {} printed",
        row.program
    ))?;
    Ok(findings["summary"].clone())
}

/// The installed Node comes first, as the wrappers from npm need it.
fn path() -> Result<std::ffi::OsString, Failure> {
    let mut folders = vec![workspace::counterparts().join("bin")];
    folders.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths)
            .collect::<Vec<PathBuf>>(),
    );
    std::env::join_paths(folders).doing("joining PATH")
}
