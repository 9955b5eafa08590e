//! The ways from the host to the server, built and ready to be started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dropgate_testing_bench::plan::{Door, Route};

use super::wanted::{Part, Wanted};
use crate::failure::{Doing, Failure};
use crate::step::Step;
use crate::{counterparts, workspace};

/// A cold release build of everything on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// What is started, and the folder that a run leaves nothing in.
pub(super) struct Routes {
    release: PathBuf,
    scratch: Scratch,
    counterparts: PathBuf,
}

impl Routes {
    /// Builds dropgate, and what it is measured with, in two steps: built together, one could change the features of
    /// what the other depends on. Installs the rivals when they are wanted and absent.
    pub(super) fn build(wanted: &Wanted) -> Result<Routes, Failure> {
        build_dropgate()?;
        let mut bench = workspace::cargo();
        bench.args(["build", "--release", "--package", "dropgate-testing-bench"]);
        bench.args(["--features", "typed"]);
        Step::new("build what it is measured with", BUILD_LIMIT, bench).run()?;
        let dir = match std::env::var_os("DROPGATE_COUNTERPARTS") {
            Some(dir) => PathBuf::from(dir),
            None => {
                if wanted.has(Part::Rivals) && counterparts::present().is_err() {
                    counterparts::install()?;
                }
                workspace::counterparts()
            }
        };
        Ok(Routes {
            release: workspace::target_dir().join("release"),
            scratch: Scratch::new()?,
            counterparts: dir,
        })
    }

    /// The program that makes the calls.
    pub(super) fn generator(&self) -> PathBuf {
        self.release.join("dropgate-bench-load")
    }

    pub(super) fn dropgate_program(&self) -> PathBuf {
        self.release.join("dropgate")
    }

    /// A folder of this run alone.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch.dir
    }

    /// No relay at all.
    pub(super) fn direct(&self) -> Route {
        self.stdio("direct", &[])
    }

    /// The limit: no byte is looked at.
    pub(super) fn splice(&self) -> Route {
        self.stdio("splice", &[&self.program("dropgate-bench-splice")])
    }

    /// The limit with pipes of 256 KiB on both sides, which stay in the processor's cache.
    pub(super) fn splice_small(&self) -> Route {
        let program = self.program("dropgate-bench-splice");
        self.stdio("splice 256 KiB", &[&program, "--pipes", "262144"])
    }

    /// A relay through an SDK's types.
    pub(super) fn typed(&self) -> Route {
        self.stdio("typed rmcp", &[&self.program("dropgate-bench-typed")])
    }

    /// dropgate as it comes.
    pub(super) fn dropgate(&self) -> Route {
        let program = self.program("dropgate");
        self.stdio("dropgate", &[&program, "run", "--journal", "off", "--"])
    }

    /// dropgate with a journal in which every call is recorded as one that only reads, in the `write` tier.
    pub(super) fn dropgate_recording(&self) -> Result<Route, Failure> {
        let dir = self.scratch.dir.join("journal");
        let config = self.scratch.dir.join("recording.toml");
        let text = format!(
            "[journal]\ndir = {:?}\n\n[tools.\"*\"]\nclass = \"read\"\n",
            dir.display().to_string()
        );
        std::fs::write(&config, text).doing(format_args!("writing {}", config.display()))?;
        let program = self.program("dropgate");
        let config = config.display().to_string();
        let words = [&*program, "run", "--config", &config, "--"];
        Ok(self.stdio("dropgate, write tier", &words))
    }

    /// dropgate whose breaker of the server is held open, so that it answers every call itself.
    pub(super) fn dropgate_refusing(&self) -> Result<Route, Failure> {
        let config = self.scratch.dir.join("refusing.toml");
        let text = "[breaker]\nserver = \"open\"\n";
        std::fs::write(&config, text).doing(format_args!("writing {}", config.display()))?;
        let program = self.program("dropgate");
        let config = config.display().to_string();
        let words = [
            &*program,
            "run",
            "--journal",
            "off",
            "--config",
            &config,
            "--",
        ];
        Ok(self.stdio("dropgate, breaker open", &words))
    }

    /// The same way to a server made with an SDK: rmcp, whose only work is to ask the echo.
    pub(super) fn to_sdk(&self, mut route: Route) -> Route {
        let at = route.command.len().saturating_sub(1);
        let server = self.program("dropgate-bench-typed");
        route.command.insert(at, server);
        route.name.push_str(", rmcp server");
        route.log.set_extension("rmcp.log");
        route
    }

    /// dropgate at one level of containment.
    pub(super) fn dropgate_at(&self, level: &str) -> Route {
        let program = self.program("dropgate");
        let flags = ["run", "--journal", "off", "--containment", level, "--"];
        let mut words = vec![program.as_str()];
        words.extend(flags);
        self.stdio(&format!("dropgate at {level}"), &words)
    }

    /// mcp-proxy from PyPI.
    pub(super) fn mcp_proxy(&self) -> Result<Route, Failure> {
        let port = free_port()?;
        let number = port.to_string();
        let program = self.counterpart("python/bin/mcp-proxy");
        let words = [&program, "--port", &number, "--pass-environment", "--"];
        self.http(self.stdio("mcp-proxy", &words), port)
    }

    /// supergateway from npm.
    pub(super) fn supergateway(&self) -> Result<Route, Failure> {
        let port = free_port()?;
        let server = self.program("dropgate-bench-echo");
        let mut route = self.stdio("supergateway", &[]);
        route.command = vec![
            self.counterpart("npm/node_modules/.bin/supergateway"),
            "--stdio".to_owned(),
            server,
            "--outputTransport".to_owned(),
            "streamableHttp".to_owned(),
            "--stateful".to_owned(),
            "--port".to_owned(),
            port.to_string(),
        ];
        self.http(route, port)
    }

    fn program(&self, name: &str) -> String {
        self.release.join(name).display().to_string()
    }

    fn counterpart(&self, path: &str) -> String {
        self.counterparts.join(path).display().to_string()
    }

    /// The words of a relay, and the server behind them.
    fn stdio(&self, name: &str, relay: &[&str]) -> Route {
        let server = self.program("dropgate-bench-echo");
        let mut command: Vec<String> = relay.iter().map(|word| (*word).to_owned()).collect();
        command.push(server.clone());
        Route {
            name: name.to_owned(),
            command,
            environment: BTreeMap::new(),
            server: PathBuf::from(server),
            log: self
                .scratch
                .dir
                .join(format!("{}.log", name.replace(' ', "-"))),
            door: Door::Stdio,
        }
    }

    fn http(&self, mut route: Route, port: u16) -> Result<Route, Failure> {
        let text = workspace::read(&self.counterparts.join("env.json"))?;
        route.environment = serde_json::from_str(&text).doing("env.json of the counterparts")?;
        let home = self.scratch.dir.display().to_string();
        route.environment.insert("HOME".to_owned(), home);
        route.door = Door::Http { port };
        Ok(route)
    }
}

/// A port that nobody listens on; another process could take it before the route does, which then fails.
fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("looking for a free port")?;
    Ok(listener
        .local_addr()
        .doing("looking for a free port")?
        .port())
}

/// A folder that is removed in the end.
/// Builds the program that is measured.
pub(super) fn build_dropgate() -> Result<(), Failure> {
    let mut product = workspace::cargo();
    product.args(["build", "--release", "--package", "dropgate"]);
    Step::new("build dropgate", BUILD_LIMIT, product).run()
}

/// A folder of one run, removed at its end.
pub(super) struct Scratch {
    pub(super) dir: PathBuf,
}

impl Scratch {
    pub(super) fn new() -> Result<Scratch, Failure> {
        let dir = std::env::temp_dir().join(format!("dropgate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).doing(format_args!("making {}", dir.display()))?;
        Ok(Scratch { dir })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed from the temporary folder harms nothing.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
