//! Analyses folders as one tree and prints JSON: `cargo run -p dropgate-analyzer --example tree -- DIR…`.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]

use std::path::PathBuf;
use std::time::Instant;

use dropgate_analyzer::output::json;
use dropgate_analyzer::{Settings, analyze};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let roots: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let begin = Instant::now();
    let analysis = analyze(&roots, &Settings::default())?;
    eprintln!("{:.2?} {:?}", begin.elapsed(), analysis.analysed);
    println!(
        "{}",
        serde_json::to_string_pretty(&json::Page::of(&analysis))?
    );
    Ok(())
}
