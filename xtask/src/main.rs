//! Developer tasks, run as `cargo xtask NAME`.
//!
//! A task is one row of [`TASKS`] and one module. Everything is printed to stderr, so that nothing here owns stdout.

#![forbid(unsafe_code)]

mod bench;
mod counterparts;
mod failure;
mod rivals;
mod soak;
mod step;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use failure::Failure;

/// One verb of `cargo xtask`.
struct Task {
    name: &'static str,
    usage: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

/// Every task. A new one is a row here and a module beside this file.
const TASKS: &[Task] = &[
    Task {
        name: "test",
        usage: "test [--offline] [--quick]",
        summary: "install the real counterparts, build, run every test, say what ran and what did not",
        run: test::run,
    },
    Task {
        name: "bench",
        usage: "bench [--write] [--only PART]",
        summary: "measure dropgate against no relay, the limit, and rivals; --write renews docs/benchmarks.md",
        run: bench::run,
    },
    Task {
        name: "rivals",
        usage: "rivals",
        summary: "probe installed wrappers and print the README's table of what they leave",
        run: rivals::run,
    },
    Task {
        name: "soak",
        usage: "soak [--brief] [--only PART]",
        summary: "run every long count in full: the whole world table, a thousand cycles, kills, changes and faults, the properties at length",
        run: soak::run,
    },
    Task {
        name: "tidy",
        usage: "tidy",
        summary: "check the rules of the house: sizes, names, walls, pins, links, format, lints",
        run: tidy::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(64);
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("no task is called `{name}`\n{}", usage());
        return ExitCode::from(64);
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask TASK\n");
    for task in TASKS {
        text.push_str(&format!("  {:<28} {}\n", task.usage, task.summary));
    }
    text
}
