//! Changes real files at random and analyses them, for a time: `cargo run --release -p dropgate-analyzer --example mutate -- SECONDS SEED DIR…`.
//!
//! Prints what panicked, what took long, and how many were tried in each language.
#![allow(clippy::print_stdout, reason = "a tool for the eyes of its author")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::{Language, Name};

/// Largest file that is changed, in bytes.
const MAX_BYTES: u64 = 60_000;

/// What takes longer than this is printed.
const LONG: Duration = Duration::from_secs(1);

/// Bytes that mean something to a reader.
const ODD: &[u8] = b"(){}[]<>\"'`;:,.=\\\n\t #0aZ\0";

/// What is repeated to make deep nesting.
const DEEP: &[&str] = &[
    "(",
    "[",
    "{",
    "((",
    "f(",
    "x.y(",
    "if (a) {",
    "!",
    "-",
    "a ? b : ",
    "\n  if a:\n",
    "=> (",
    "lambda: ",
    "await ",
    "|x| ",
    "func() { ",
    "match a { b => ",
    "`${",
    "<T",
    "async () => {",
];

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = || args.next().and_then(|text| text.parse::<u64>().ok());
    let (seconds, seed) = (number().unwrap_or(60), number().unwrap_or(1));
    let mut texts = Vec::new();
    for root in args {
        walk(Path::new(&root), &mut texts);
    }
    if texts.is_empty() {
        println!("no file to change; give folders with sources");
        return;
    }
    let mut dice = Dice(seed.max(1));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut panics, mut long, mut longest) = (0, 0, Duration::ZERO);
    while Instant::now() < end {
        let (language, text) = &texts[dice.below(texts.len())];
        let other = &texts[dice.below(texts.len())].1;
        let changed = change(&mut dice, text, other);
        let name = Name::from(format!("src/a.{}", language.short()));
        let begun = Instant::now();
        let copy = changed.clone();
        let done = std::panic::catch_unwind(move || analyze_texts(vec![(name, copy)]).is_ok());
        let took = begun.elapsed();
        *tried.entry(language.short()).or_default() += 1;
        longest = longest.max(took);
        if done.is_err() || took > LONG {
            panics += usize::from(done.is_err());
            long += usize::from(took > LONG);
            let path = format!(
                "/tmp/mutated-{}.{}",
                tried.values().sum::<usize>(),
                language.short()
            );
            let kept = std::fs::write(&path, &changed).is_ok();
            println!("{took:?} panicked {}, kept {kept}: {path}", done.is_err());
        }
    }
    println!("{tried:?}: {panics} panics, {long} over {LONG:?}, longest {longest:?}");
}

fn walk(path: &Path, out: &mut Vec<(Language, String)>) {
    if let Ok(entries) = std::fs::read_dir(path) {
        for entry in entries.flatten().filter(|entry| !entry.path().is_symlink()) {
            walk(&entry.path(), out);
        }
        return;
    }
    let is_small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= MAX_BYTES);
    if let (true, Some(language)) = (is_small, Language::of_path(&path.to_string_lossy()))
        && let Ok(text) = std::fs::read_to_string(path)
        && !text.is_empty()
    {
        out.push((language, text));
    }
}

/// A text with one to four changes.
fn change(dice: &mut Dice, text: &str, other: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let to = (at + dice.below(200)).min(bytes.len());
        match dice.below(7) {
            0 => drop(bytes.drain(at..to)),
            1 => bytes.truncate(at),
            2 => {
                let part = bytes[at..to].to_vec();
                let times = dice.below(50);
                bytes.splice(at..at, part.repeat(times));
            }
            3 => {
                let deep = DEEP[dice.below(DEEP.len())].repeat(dice.below(20_000));
                bytes.splice(at..at, deep.into_bytes());
            }
            4 => {
                let from = dice.below(other.len());
                let part = other.as_bytes()[from..(from + 2_000).min(other.len())].to_vec();
                bytes.splice(at..to, part);
            }
            5 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = ODD[dice.below(ODD.len())];
                }
            }
            _ => {
                let words = [
                    "async", "await", "\u{2028}", "#!", "//", "/*", "\"\"\"", "r#\"", "$", "%v",
                    "é",
                ];
                bytes.splice(at..at, words[dice.below(words.len())].bytes());
            }
        }
        bytes.truncate(400_000);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Numbers that look random and come again with the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit.max(1)).unwrap_or(1);
        usize::try_from(self.0 % limit).unwrap_or(0)
    }
}
