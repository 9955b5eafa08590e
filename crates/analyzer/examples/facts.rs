//! Prints the facts of files: `cargo run -q -p dropgate-analyzer --example facts -- FILE…`.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]

use dropgate_analyzer::extract::{Source, extract};
use dropgate_analyzer::facts::{Language, Name};

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path)?;
        if let Some(language) = Language::of_path(&path) {
            let source = Source {
                path: Name::from(path.as_str()),
                language,
                text: &text,
            };
            println!("{:#?}", extract(&source));
        }
    }
    Ok(())
}
