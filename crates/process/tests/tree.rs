//! The public type against real processes, at every level that can be had
//! here. This program is its own guard, so it brings its own main.

mod rows;
mod stage;

use std::process::ExitCode;
use std::time::Instant;

use dropgate_process::{Containment, Level, Spec, run_if_guard};

fn main() -> ExitCode {
    // First of all: the guard is this same program, executed again.
    run_if_guard();
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let levels: Vec<Level> = Level::ALL
        .into_iter()
        .filter(|level| can_be_had(*level))
        .collect();
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for (name, row) in rows::ROWS {
        for level in &levels {
            let full = format!("{name} at {level}");
            if filter
                .as_ref()
                .is_some_and(|wanted| !full.contains(wanted.as_str()))
            {
                left_out += 1;
                continue;
            }
            let begun = Instant::now();
            match row(*level) {
                Ok(()) => {
                    passed += 1;
                    say(format_args!(
                        "test {full} ... ok ({} ms)",
                        begun.elapsed().as_millis()
                    ));
                }
                Err(why) => {
                    failed += 1;
                    say(format_args!("test {full} ... FAILED: {why}"));
                }
            }
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    say(format_args!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {left_out} filtered out; finished"
    ));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn can_be_had(level: Level) -> bool {
    match Spec::new("true")
        .containment(Containment::Exactly(level))
        .spawn()
    {
        Ok(_) => true,
        Err(why) => {
            say(format_args!("not tested here: {why}"));
            level == Level::Guard
        }
    }
}

/// What the harness of the standard library would print.
fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _reader_gone = writeln!(std::io::stdout().lock(), "{line}");
}
