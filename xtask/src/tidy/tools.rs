//! rustfmt and clippy over the whole workspace.

use std::process::Command;

use super::Finding;
use crate::workspace;

/// `cargo fmt --check`.
pub(super) fn fmt() -> Vec<Finding> {
    let mut command = workspace::cargo();
    command.args(["fmt", "--all", "--check", "--", "-l", "--color=never"]);
    judge(command, "run `cargo fmt --all`")
}

/// `cargo clippy` with warnings as errors, in a target folder of its own so that it neither waits for nor disturbs another build.
pub(super) fn clippy() -> Vec<Finding> {
    let mut command = workspace::cargo();
    command.args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    command.env("CARGO_TARGET_DIR", workspace::root().join("target/tidy"));
    judge(
        command,
        "run `cargo clippy --workspace --all-targets -- -D warnings` and follow it",
    )
}

/// Whether a cargo command such as `clippy` is installed.
pub(super) fn installed(subcommand: &str) -> bool {
    workspace::cargo()
        .args([subcommand, "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn judge(mut command: Command, advice: &str) -> Vec<Finding> {
    match command.output() {
        Ok(output) if output.status.success() => Vec::new(),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            vec![Finding::file(
                ".",
                format!("{advice}\n{}", String::from_utf8_lossy(&said).trim()),
            )]
        }
        Err(error) => vec![Finding::file(
            ".",
            format!("{:?} can't be started: {error}", command.get_program()),
        )],
    }
}
