//! dropgate makes MCP servers fail secure and leave nothing behind.
//!
//! The binary is wiring only: flags become settings once, verbs call the
//! crates, and this file alone ends the process.
#![forbid(unsafe_code)]

mod bounded;
mod cli;
mod config;
mod exit;
mod folders;
mod lines;
mod output;
mod verbs;
mod visible;

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: the guard is this same program, executed again.
    dropgate_process::run_if_guard();
    let mut arguments = std::env::args_os();
    let program = arguments.next();
    let arguments: Vec<_> = arguments.collect();
    let is_closer = program.is_some_and(|name| name == dropgate_process::CLOSER_NAME);
    // Before the hardening: the servers that `probe` starts have to look like anybody's, and what
    // they leave behind is found by its environment, which a hardened process shows to root alone.
    if !is_closer && let Some(code) = verbs::hidden::run(&arguments) {
        return code;
    }
    // Before this process holds anything. What is secret in its environment is overwritten once
    // the configuration is read, which names it.
    let hardened = dropgate_process::harden();
    if is_closer {
        // Leases have to end, hidden or not.
        return verbs::hidden::close(&arguments);
    }
    if let Err(error) = hardened {
        output::complain(&format!(
            "can not keep this process's memory from others: {error}"
        ));
        return ExitCode::from(exit::INTERNAL);
    }
    let code = match cli::parse() {
        Ok(cli::Parsed::Verb(verb)) => verbs::run(verb),
        Ok(cli::Parsed::Help(text)) => {
            output::print(&text);
            ExitCode::SUCCESS
        }
        Err(line) => verbs::misused(&arguments, &line),
    };
    match output::not_written() {
        None => code,
        Some(error) => {
            output::complain(&format!(
                "the output is not complete, as standard output can't be written: {error}"
            ));
            ExitCode::from(exit::CAN_NOT_WRITE)
        }
    }
}
