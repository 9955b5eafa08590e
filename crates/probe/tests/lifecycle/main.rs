//! Probes of real processes: built-in servers run bare, programs that can not be probed, and
//! wrappers that offer HTTP.
//!
//! This program is also the guard, the host, the servers and the wrapper of its own probes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "clippy knows tests by an attribute that rows without a harness do not have"
)]

mod bare;
mod http;
mod refused;
mod wrapper;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use dropgate_probe::{HOST_ENTRY, run_host, servers};

type Row = (&'static str, fn());

const ROWS: &[Row] = &[
    (
        "bare_servers_leak_where_they_must_and_nowhere_else",
        bare::the_grid,
    ),
    (
        "answers_are_told_as_the_caller_sees_them",
        bare::the_behaviours,
    ),
    (
        "a_server_of_ones_own_is_probed_as_it_is",
        bare::a_server_of_ones_own,
    ),
    ("json_has_the_shape_that_is_documented", bare::the_json),
    ("nothing_is_left_of_a_probe", bare::nothing_is_left),
    (
        "a_command_that_does_not_exist_is_not_probed",
        refused::no_such_program,
    ),
    (
        "a_program_that_ends_at_once_is_not_probed",
        refused::ends_at_once,
    ),
    (
        "a_program_that_never_answers_is_not_probed",
        refused::never_answers,
    ),
    ("a_program_that_refuses_is_not_probed", refused::refuses),
    ("a_wrapper_over_streamable_http_is_probed", http::streamable),
    ("a_wrapper_over_the_older_http_is_probed", http::sse),
    ("nobody_who_listens_is_not_probed", http::nobody_listens),
];

fn main() -> ExitCode {
    dropgate_process::run_if_guard();
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.first().and_then(|first| first.to_str()) {
        Some(HOST_ENTRY) => run_host(&args[1..]),
        Some(servers::ENTRY) => {
            let words: Vec<String> = args[1..]
                .iter()
                .map(|arg| arg.to_string_lossy().into_owned())
                .collect();
            servers::run(
                words.first().map_or("", String::as_str),
                words.get(1..).unwrap_or_default(),
            )
        }
        Some(wrapper::ENTRY) => wrapper::run(&args[1..]),
        Some(_) | None => run_rows(&args),
    }
}

/// Runs the rows whose name holds the first argument that is no option.
fn run_rows(args: &[OsString]) -> ExitCode {
    let filter = args
        .iter()
        .filter_map(|arg| arg.to_str())
        .find(|arg| !arg.starts_with('-'));
    let rows: Vec<&Row> = ROWS
        .iter()
        .filter(|(name, _)| filter.is_none_or(|part| name.contains(part)))
        .collect();
    println!("\nrunning {} tests", rows.len());
    let (mut passed, mut failed) = (0, 0);
    for (name, row) in &rows {
        let ok = catch_unwind(AssertUnwindSafe(row)).is_ok();
        println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
        if ok { passed += 1 } else { failed += 1 }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let filtered = ROWS.len() - rows.len();
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {filtered} filtered out\n"
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
