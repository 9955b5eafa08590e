//! `cargo xtask test`: the one command that proves everything on a fresh machine.

mod tally;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::counterparts;
use crate::failure::{Doing, Failure};
use crate::step::{self, Step};
use crate::workspace;
use tally::Tally;

/// A cold release build of the workspace on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(25 * 60);

/// Every test with the debug build before it; the whole command stays under an hour.
const TEST_LIMIT: Duration = Duration::from_secs(50 * 60);

/// How long the output may stay open after cargo has ended.
const OUTPUT_LIMIT: Duration = Duration::from_secs(10);

/// Installs the counterparts, builds, runs every test, and prints what ran and what was skipped.
///
/// # Errors
/// A counterpart can't be had, the build or a test fails, a limit passes, or a test was skipped though nothing asked for that.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mode = Mode::parse(arguments)?;
    let began = Instant::now();
    let counterparts = mode.counterparts()?;
    if mode.scope == Scope::Full {
        let mut build = mode.cargo();
        build.args(["build", "--workspace", "--release", "--bins"]);
        Step::new("build the binaries that the tests run", BUILD_LIMIT, build).run()?;
    }
    let tally = cargo_test(&mode, &counterparts)?;
    tally.print(began.elapsed());
    if let Counterparts::Skipped(why) = &counterparts {
        eprintln!("   without the real counterparts: {why}");
    }
    tally.verdict(&mode)
}

/// What may be fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    Allowed,
    Offline,
}

/// How much runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Release binaries under test, the full fixed share of every long count.
    Full,
    /// Debug binaries, small shares: for the inner loop.
    Quick,
}

struct Mode {
    network: Network,
    scope: Scope,
}

/// Whether the tests find the real counterparts.
enum Counterparts {
    Installed,
    Skipped(Failure),
}

impl Mode {
    fn parse(arguments: &[String]) -> Result<Mode, Failure> {
        let mut mode = Mode {
            network: Network::Allowed,
            scope: Scope::Full,
        };
        for argument in arguments {
            match argument.as_str() {
                "--offline" => mode.network = Network::Offline,
                "--quick" => mode.scope = Scope::Quick,
                other => {
                    return Err(Failure::usage(format!(
                        "`{other}` is not a flag of test; it takes --offline and --quick"
                    )));
                }
            }
        }
        Ok(mode)
    }

    fn cargo(&self) -> Command {
        let mut command = workspace::cargo();
        if self.network == Network::Offline {
            command.env("CARGO_NET_OFFLINE", "true");
        }
        command
    }

    /// Offline takes the installation that is there; so does quick, which installs nothing.
    fn counterparts(&self) -> Result<Counterparts, Failure> {
        if self.network == Network::Allowed && self.scope == Scope::Full {
            counterparts::install()?;
            return Ok(Counterparts::Installed);
        }
        Ok(match counterparts::present() {
            Ok(()) => Counterparts::Installed,
            Err(why) => Counterparts::Skipped(why),
        })
    }

    /// Whether a skipped test is what the caller asked for.
    fn allows_skips(&self) -> bool {
        self.network == Network::Offline || self.scope == Scope::Quick
    }
}

fn cargo_test(mode: &Mode, counterparts: &Counterparts) -> Result<Tally, Failure> {
    let mut command = mode.cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match counterparts {
        Counterparts::Installed => command
            .env("DROPGATE_COUNTERPARTS", workspace::counterparts())
            .env_remove("DROPGATE_OFFLINE"),
        Counterparts::Skipped(_) => command
            .env_remove("DROPGATE_COUNTERPARTS")
            .env("DROPGATE_OFFLINE", "1"),
    };
    match mode.scope {
        Scope::Full => {
            let release = workspace::target_dir().join("release");
            command.env("DROPGATE_BIN", release.join("dropgate"));
            command.env(
                "DROPGATE_TESTING_SERVERS",
                release.join("dropgate-testing-servers"),
            );
        }
        Scope::Quick => {
            command.env("DROPGATE_QUICK", "1");
        }
    }
    eprintln!(
        "== run every test (at most {} min)",
        TEST_LIMIT.as_secs() / 60
    );
    let deadline = Instant::now() + TEST_LIMIT;
    let mut child = command.spawn().doing("starting cargo test")?;
    let reading = tally::read(child.stdout.take(), child.stderr.take());
    let Some(status) = step::wait(&mut child, deadline)? else {
        let limit = TEST_LIMIT.as_secs() / 60;
        return Err(Failure::failed(format!(
            "cargo test: not done after {limit} min, killed; the test that ran last is the one to look at"
        )));
    };
    let mut tally = reading.finish(OUTPUT_LIMIT)?;
    if !status.success() {
        tally.ended = tally::Ended::Failed(status.to_string());
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_flag_is_refused_with_its_name() {
        let failure = Mode::parse(&["--fast".to_owned()]).err().unwrap();
        assert_eq!(failure.exit_code(), 64);
        assert!(failure.to_string().contains("`--fast`"));
    }

    #[test]
    fn only_a_run_that_asked_for_it_may_skip() {
        for (flags, allowed) in [
            (vec![], false),
            (vec!["--offline"], true),
            (vec!["--quick"], true),
        ] {
            let flags: Vec<String> = flags.into_iter().map(str::to_owned).collect();
            assert_eq!(
                Mode::parse(&flags).unwrap().allows_skips(),
                allowed,
                "{flags:?}"
            );
        }
    }
}
