//! Reads every file below the given folders and prints what was odd: `cargo run -p dropgate-analyzer --example sweep -- DIR…`.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]

use std::path::Path;
use std::time::Instant;

use dropgate_analyzer::extract::{STACK_BYTES, Source, extract};
use dropgate_analyzer::facts::{Language, Name, Reading};

fn main() -> std::io::Result<()> {
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(|| {
            let mut total = (0_usize, 0_usize);
            for root in std::env::args().skip(1) {
                walk(Path::new(&root), &mut total);
            }
            println!("{} files, {} bytes", total.0, total.1);
        })?;
    let _ = worker.join();
    Ok(())
}

fn walk(path: &Path, total: &mut (usize, usize)) {
    if let Ok(entries) = std::fs::read_dir(path) {
        for entry in entries.flatten() {
            let path = entry.path();
            if !path.is_symlink() {
                walk(&path, total);
            }
        }
        return;
    }
    let name = path.to_string_lossy();
    let Some(language) = Language::of_path(&name) else {
        return;
    };
    let Ok(text) = std::fs::read_to_string(path) else {
        return;
    };
    let begin = Instant::now();
    let facts = extract(&Source {
        path: Name::from(&*name),
        language,
        text: &text,
    });
    let took = begin.elapsed();
    total.0 += 1;
    total.1 += text.len();
    if took.as_secs() >= 2 {
        println!("slow {took:?} {} {name}", text.len());
    }
    if let Reading::Not(why) = facts.reading {
        println!("{why}: {name}");
    }
}
