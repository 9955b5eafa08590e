//! `cargo xtask soak`: every long count in full, for the figures of a release.

use std::time::Duration;

use crate::failure::Failure;
use crate::step::Step;
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(25 * 60);
/// The whole world table, every level and user, a thousand cycles, seventeen hundred kills.
const WORLD_LIMIT: Duration = Duration::from_secs(120 * 60);
const JOURNAL_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Five endings, 50 times each, about a second each.
const LEASES_LIMIT: Duration = Duration::from_secs(30 * 60);
const PROPERTIES_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Makes tests that kill and change run in full.
const SOAK: &str = "DROPGATE_SOAK";
/// Cases of each property; the test command runs some hundreds.
const PROPERTY_CASES: &str = "20000";

/// Runs the world table, the journal's tests and the properties in full.
///
/// # Errors
/// The build fails, a count fails, or a limit passes.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(other) = arguments.first() {
        return Err(Failure::usage(format!("`{other}`: soak takes no flags")));
    }
    let mut build = workspace::cargo();
    build.args(["build", "--workspace", "--release", "--bins"]);
    Step::new("build the binaries that the tests run", BUILD_LIMIT, build).run()?;

    let release = workspace::target_dir().join("release");
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
        .env("DROPGATE_BIN", release.join("dropgate"))
        .env(
            "DROPGATE_TESTING_SERVERS",
            release.join("dropgate-testing-servers"),
        );
    Step::new("play the whole world table", WORLD_LIMIT, world).run()?;

    let mut journal = workspace::cargo();
    journal
        .args(["test", "--release", "--package", "dropgate-journal"])
        .env(SOAK, "1");
    Step::new(
        "change, kill and fill journals at length",
        JOURNAL_LIMIT,
        journal,
    )
    .run()?;

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
        .env("DROPGATE_BIN", release.join("dropgate"));
    Step::new("end leases 50 times in each way", LEASES_LIMIT, leases).run()?;

    let mut properties = workspace::cargo();
    properties
        .args([
            "test",
            "--release",
            "--package",
            "dropgate-wire",
            "--package",
            "dropgate-gate",
        ])
        .env("PROPTEST_CASES", PROPERTY_CASES);
    Step::new("try every property at length", PROPERTIES_LIMIT, properties).run()
}
