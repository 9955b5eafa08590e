//! What was asked for on the command line.

use crate::failure::Failure;

/// A part of the measurements that can be asked for alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Calls over stdio against direct, splice and typed.
    Calls,
    /// Calls against installed wrappers.
    Rivals,
    /// What the gate costs each call.
    Gate,
    /// What the journal costs, by tier.
    Journal,
    /// Memory, start and end.
    Idle,
    /// Start and stop again and again.
    Cycles,
    /// The analyser beside other tools.
    Audit,
}

const PARTS: &[(&str, Part)] = &[
    ("calls", Part::Calls),
    ("rivals", Part::Rivals),
    ("gate", Part::Gate),
    ("journal", Part::Journal),
    ("idle", Part::Idle),
    ("cycles", Part::Cycles),
    ("audit", Part::Audit),
];

/// Turns of each route under one load.
const ROUNDS: usize = 21;

/// Lives of each route.
const LIVES: usize = 41;

/// Starts and stops in a row.
const CYCLES: usize = 1000;

/// The measurements to make.
pub(super) struct Wanted {
    parts: Vec<Part>,
    pub(super) rounds: usize,
    pub(super) lives: usize,
    pub(super) cycles: usize,
    pub(super) writes: bool,
    /// The command as it was given.
    pub(super) command: String,
}

impl Wanted {
    pub(super) fn parse(arguments: &[String]) -> Result<Wanted, Failure> {
        let mut wanted = Wanted {
            parts: Vec::new(),
            rounds: ROUNDS,
            lives: LIVES,
            cycles: CYCLES,
            writes: false,
            command: ["cargo xtask bench"]
                .into_iter()
                .chain(arguments.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join(" "),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--write" => wanted.writes = true,
                "--only" => wanted.parts.push(part(words.next())?),
                "--rounds" => wanted.rounds = count(word, words.next())?,
                "--lives" => wanted.lives = count(word, words.next())?,
                "--cycles" => wanted.cycles = count(word, words.next())?,
                other => {
                    return Err(Failure::usage(format!(
                        "`{other}` is not a flag of bench; it takes --write, --only PART, --rounds N, --lives N, --cycles N"
                    )));
                }
            }
        }
        Ok(wanted)
    }

    /// Whether this is the only part that is asked for.
    pub(super) fn is_only(&self, part: Part) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|wanted| *wanted == part)
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

fn part(name: Option<&String>) -> Result<Part, Failure> {
    let found = PARTS
        .iter()
        .find(|(known, _)| name.is_some_and(|name| name == known));
    found.map(|(_, part)| *part).ok_or_else(|| {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        Failure::usage(format!("--only takes one of {}", names.join(", ")))
    })
}

fn count(flag: &str, text: Option<&String>) -> Result<usize, Failure> {
    let number = text.and_then(|text| text.parse().ok());
    number
        .filter(|number| (1..=1_000_000).contains(number))
        .ok_or_else(|| Failure::usage(format!("{flag} takes a number from 1 to 1000000")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Wanted, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::parse(&words)
    }

    #[test]
    fn without_a_part_all_are_wanted() {
        assert!(parse("").unwrap().has(Part::Rivals));
        let wanted = parse("--only calls --only cycles --cycles 5").unwrap();
        assert!(wanted.has(Part::Calls) && wanted.has(Part::Cycles) && !wanted.has(Part::Idle));
        assert_eq!(wanted.cycles, 5);
        assert!(!wanted.is_only(Part::Calls) && !parse("").unwrap().is_only(Part::Audit));
        assert!(parse("--only audit").unwrap().is_only(Part::Audit));
    }

    #[test]
    fn a_wrong_flag_is_refused_with_what_is_right() {
        for line in [
            "--fast",
            "--only",
            "--only all",
            "--cycles",
            "--cycles 0",
            "--rounds x",
        ] {
            let failure = parse(line).err().unwrap();
            assert_eq!(failure.exit_code(), 64, "{line}");
        }
    }
}
