//! `cargo xtask soak`: every long count in full, for the figures of a release.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::counterparts;
use crate::failure::Failure;
use crate::step::Step;
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(25 * 60);
/// Makes tests that kill, change and break run in full.
const SOAK: &str = "DROPGATE_SOAK";
/// Cases of each property; the test command runs some hundreds.
const PROPERTY_CASES: &str = "20000";

/// A part that can be asked for alone.
struct Part {
    name: &'static str,
    what: &'static str,
    limit: Duration,
    /// What it plays with: the binaries of this workspace, or nothing but its own.
    needs: Needs,
    command: fn(Extent) -> Command,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Binaries,
    /// And real servers of others.
    BinariesAndCounterparts,
    Nothing,
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The quick ones first. One that fails stops no other.
const PARTS: &[Part] = &[
    Part {
        name: "policies",
        what: "play every fault of a decision point 1,000 times",
        limit: minutes(60),
        needs: Needs::Nothing,
        command: policies,
    },
    Part {
        name: "journal",
        what: "change, kill and fill journals at length",
        limit: minutes(60),
        needs: Needs::Nothing,
        command: journal,
    },
    Part {
        name: "properties",
        what: "try every property at length",
        limit: minutes(60),
        needs: Needs::Nothing,
        command: properties,
    },
    Part {
        name: "leases",
        what: "end leases 50 times in each way",
        limit: minutes(30),
        needs: Needs::BinariesAndCounterparts,
        command: leases,
    },
    Part {
        name: "world",
        what: "play the whole world table, every level and user, a thousand cycles, seventeen hundred kills",
        limit: minutes(120),
        needs: Needs::Binaries,
        command: world,
    },
];

/// How much of a part is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extent {
    /// All of it.
    #[default]
    Full,
    /// As much as the test command plays: whether the part still runs at all.
    Brief,
}

impl Extent {
    /// Sets what makes a part play in full.
    fn set(self, command: &mut Command, name: &str, full: &str) {
        match self {
            Self::Full => command.env(name, full),
            Self::Brief => command.env_remove(name),
        };
    }
}

/// Runs the parts that are wanted, and says in the end which failed.
///
/// # Errors
/// The build fails, a count fails, or a limit passes.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (wanted, extent) = wanted(arguments)?;
    let needed = |needs| wanted.iter().any(|part| part.needs == needs);
    if needed(Needs::BinariesAndCounterparts) {
        counterparts::install()?;
    }
    if needed(Needs::Binaries) || needed(Needs::BinariesAndCounterparts) {
        let mut build = workspace::cargo();
        build.args(["build", "--workspace", "--release", "--bins"]);
        Step::new("build the binaries that the tests run", BUILD_LIMIT, build).run()?;
    }
    let mut failed = Vec::new();
    for part in wanted {
        if let Err(failure) = Step::new(part.what, part.limit, (part.command)(extent)).run() {
            eprintln!("xtask soak: {}: {failure}", part.name);
            failed.push(part.name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!("failed: {}", failed.join(", "))))
}

/// All parts, or those that `--only` names, and how much of them.
fn wanted(arguments: &[String]) -> Result<(Vec<&'static Part>, Extent), Failure> {
    let mut named = Vec::new();
    let mut extent = Extent::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--brief" {
            extent = Extent::Brief;
            continue;
        }
        if word != "--only" {
            return Err(Failure::usage(format!(
                "`{word}` is not a flag of soak; it takes --brief and --only PART"
            )));
        }
        let name = words.next();
        let part = PARTS
            .iter()
            .find(|part| name.is_some_and(|name| name == part.name));
        named.push(part.ok_or_else(|| {
            let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
            Failure::usage(format!("--only takes one of {}", names.join(", ")))
        })?);
    }
    if named.is_empty() {
        named.extend(PARTS);
    }
    Ok((named, extent))
}

/// The tests of some packages, as many of them as pass.
fn tests(packages: &[&str], more: &[&str]) -> Command {
    let mut tests = workspace::cargo();
    tests.arg("test");
    for package in packages {
        tests.args(["--package", package]);
    }
    tests.arg("--no-fail-fast").args(more);
    tests
}

fn policies(extent: Extent) -> Command {
    let mut policies = tests(&["dropgate-policy"], &[]);
    extent.set(&mut policies, SOAK, "1");
    policies
}

fn journal(extent: Extent) -> Command {
    let mut journal = tests(&["dropgate-journal"], &["--release"]);
    extent.set(&mut journal, SOAK, "1");
    journal
}

fn properties(extent: Extent) -> Command {
    let mut properties = tests(&["dropgate-wire", "dropgate-gate"], &["--release"]);
    extent.set(&mut properties, "PROPTEST_CASES", PROPERTY_CASES);
    properties
}

fn leases(extent: Extent) -> Command {
    let mut leases = tests(&["dropgate-testing-secrets"], &["--", "--nocapture"]);
    extent.set(&mut leases, "DROPGATE_LEASES", "full");
    leases
        .env("DROPGATE_COUNTERPARTS", workspace::counterparts())
        .env("DROPGATE_BIN", release("dropgate"));
    leases
}

fn world(extent: Extent) -> Command {
    let mut world = tests(&["dropgate-testing-world"], &[]);
    extent.set(&mut world, "DROPGATE_WORLD", "full");
    extent.set(&mut world, SOAK, "1");
    world.env("DROPGATE_BIN", release("dropgate")).env(
        "DROPGATE_TESTING_SERVERS",
        release("dropgate-testing-servers"),
    );
    world
}

fn release(program: &str) -> PathBuf {
    workspace::target_dir().join("release").join(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Result<Vec<&'static str>, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Ok(wanted(&words)?.0.iter().map(|part| part.name).collect())
    }

    #[test]
    fn all_parts_are_wanted_unless_some_are_named() {
        assert_eq!(names("").unwrap().len(), PARTS.len());
        assert_eq!(
            names("--only leases --only journal").unwrap(),
            ["leases", "journal"]
        );
        for (line, extent) in [("", Extent::Full), ("--brief --only world", Extent::Brief)] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(wanted(&words).unwrap().1, extent, "{line}");
        }
        for wrong in ["--fast", "--only", "--only all"] {
            assert!(matches!(names(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }
}
