//! `cargo xtask soak`: every long count in full, for the figures of a release.

use std::process::Command;
use std::time::Duration;

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
    command: fn() -> Command,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Binaries,
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
        needs: Needs::Binaries,
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

/// Runs the parts that are wanted, in full, and says in the end which failed.
///
/// # Errors
/// The build fails, a count fails, or a limit passes.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let wanted = wanted(arguments)?;
    if wanted.iter().any(|part| part.needs == Needs::Binaries) {
        let mut build = workspace::cargo();
        build.args(["build", "--workspace", "--release", "--bins"]);
        Step::new("build the binaries that the tests run", BUILD_LIMIT, build).run()?;
    }
    let mut failed = Vec::new();
    for part in wanted {
        if let Err(failure) = Step::new(part.what, part.limit, (part.command)()).run() {
            eprintln!("xtask soak: {}: {failure}", part.name);
            failed.push(part.name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!("failed: {}", failed.join(", "))))
}

/// All parts, or those that `--only` names.
fn wanted(arguments: &[String]) -> Result<Vec<&'static Part>, Failure> {
    let mut named = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word != "--only" {
            return Err(Failure::usage(format!(
                "`{word}` is not a flag of soak; it takes --only PART"
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
    Ok(named)
}

fn policies() -> Command {
    let mut policies = workspace::cargo();
    policies
        .args(["test", "--package", "dropgate-policy", "--no-fail-fast"])
        .env(SOAK, "1");
    policies
}

fn journal() -> Command {
    let mut journal = workspace::cargo();
    journal
        .args([
            "test",
            "--release",
            "--package",
            "dropgate-journal",
            "--no-fail-fast",
        ])
        .env(SOAK, "1");
    journal
}

fn properties() -> Command {
    let mut properties = workspace::cargo();
    properties
        .args([
            "test",
            "--release",
            "--package",
            "dropgate-wire",
            "--package",
            "dropgate-gate",
            "--no-fail-fast",
        ])
        .env("PROPTEST_CASES", PROPERTY_CASES);
    properties
}

fn leases() -> Command {
    let mut leases = workspace::cargo();
    leases
        .args([
            "test",
            "--package",
            "dropgate-testing-secrets",
            "--no-fail-fast",
            "--",
            "--nocapture",
        ])
        .env("DROPGATE_LEASES", "full")
        .env("DROPGATE_COUNTERPARTS", workspace::counterparts())
        .env("DROPGATE_BIN", release("dropgate"));
    leases
}

fn world() -> Command {
    let mut world = workspace::cargo();
    world
        .args([
            "test",
            "--package",
            "dropgate-testing-world",
            "--no-fail-fast",
        ])
        .env("DROPGATE_WORLD", "full")
        .env(SOAK, "1")
        .env("DROPGATE_BIN", release("dropgate"))
        .env(
            "DROPGATE_TESTING_SERVERS",
            release("dropgate-testing-servers"),
        );
    world
}

fn release(program: &str) -> std::path::PathBuf {
    workspace::target_dir().join("release").join(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Result<Vec<&'static str>, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Ok(wanted(&words)?.iter().map(|part| part.name).collect())
    }

    #[test]
    fn all_parts_are_wanted_unless_some_are_named() {
        assert_eq!(names("").unwrap().len(), PARTS.len());
        assert_eq!(
            names("--only leases --only journal").unwrap(),
            ["leases", "journal"]
        );
        for wrong in ["--fast", "--only", "--only all"] {
            assert!(matches!(names(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }
}
