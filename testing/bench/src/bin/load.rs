//! The host: carries out one plan, given as JSON in its argument, and prints what it saw as JSON.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use dropgate_testing_bench::load;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dropgate-bench-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let text = std::env::args()
        .nth(1)
        .ok_or("usage: dropgate-bench-load PLAN, a JSON text as in plan.rs")?;
    let seen = load::carry_out(&serde_json::from_str(&text)?)?;
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &seen)?;
    stdout.write_all(b"\n")?;
    Ok(())
}
