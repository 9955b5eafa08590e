//! Misbehaving MCP servers, chosen by name: `dropgate-testing-servers NAME [ARGS] [--pids FILE]`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    dropgate_testing_servers::run(&args)
}
