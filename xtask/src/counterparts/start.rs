//! Starts every server of `servers.json` once and waits for its answer to `initialize`.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Place, environment, remove};
use crate::failure::{Doing, Failure};
use crate::{step, workspace};

/// A cold start of the largest server on a loaded machine took a tenth of this.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The longest answer to `initialize` that is read.
const ANSWER_SIZE: usize = 1 << 20;

const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","#,
    r#""capabilities":{},"clientInfo":{"name":"dropgate-xtask","version":"0"}}}"#,
    "\n"
);

#[derive(Deserialize)]
struct Servers {
    servers: Vec<Server>,
}

/// One row: how a real server is started. `{counterparts}` and `{scratch}` stand for folders.
#[derive(Deserialize)]
struct Server {
    name: String,
    argv: Vec<String>,
    cwd: String,
    #[serde(default)]
    env: Variables,
    /// Replaces members of `env` when the server is started by root.
    #[serde(default)]
    root_env: Variables,
}

type Variables = std::collections::BTreeMap<String, String>;

/// Proves that each installed server starts; the first that does not ends the task.
pub(super) fn check_all(place: &Place) -> Result<(), Failure> {
    let list = workspace::read(&place.lists.join("servers.json"))?;
    let list: Servers = serde_json::from_str(&list).doing("testing/counterparts/servers.json")?;
    for server in &list.servers {
        eprintln!(
            "== start {} (at most {} s)",
            server.name,
            ANSWER_LIMIT.as_secs()
        );
        check(place, server)?;
    }
    Ok(())
}

fn check(place: &Place, server: &Server) -> Result<(), Failure> {
    let scratch = Scratch::new(&server.name)?;
    let fill = |text: &str| {
        text.replace("{counterparts}", &place.dir.display().to_string())
            .replace("{scratch}", &scratch.dir.display().to_string())
    };
    let mut argv = server.argv.iter().map(|word| fill(word));
    let program = argv
        .next()
        .ok_or_else(|| Failure::failed(format!("{}: argv is empty", server.name)))?;
    let mut command = Command::new(place.dir.join("bin").join(program));
    command
        .args(argv)
        .current_dir(fill(&server.cwd))
        .env("HOME", &scratch.dir);
    for (name, value) in environment::variables(place)
        .as_object()
        .into_iter()
        .flatten()
    {
        command.env(name, value.as_str().unwrap_or_default());
    }
    let is_root = rustix::process::geteuid().is_root();
    command.envs(server.env.iter().map(|(name, value)| (name, fill(value))));
    command.envs(
        server
            .root_env
            .iter()
            .filter(|_| is_root)
            .map(|(name, value)| (name, fill(value))),
    );
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(scratch.log()?);

    let mut child = command
        .spawn()
        .doing(format_args!("starting {}", server.name))?;
    let answer = ask(&mut child);
    step::kill_tree(&mut child);
    match answer {
        Ok(line) if line.contains("\"serverInfo\"") => Ok(()),
        Ok(line) => Err(Failure::failed(format!(
            "{}: answered initialize with {line:?}; its stderr: {}",
            server.name,
            scratch.said()
        ))),
        Err(failure) => Err(Failure::failed(format!(
            "{}: {failure}; its stderr: {}",
            server.name,
            scratch.said()
        ))),
    }
}

/// Sends `initialize` and reads one line, within the limit.
fn ask(child: &mut Child) -> Result<String, Failure> {
    let deadline = Instant::now() + ANSWER_LIMIT;
    let (Some(stdin), Some(stdout)) = (child.stdin.as_mut(), child.stdout.take()) else {
        return Err(Failure::failed("it has no pipes"));
    };
    stdin
        .write_all(INITIALIZE.as_bytes())
        .doing("sending initialize")?;
    let mut stdout = std::fs::File::from(OwnedFd::from(stdout));
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    while !line.contains(&b'\n') && line.len() < ANSWER_SIZE {
        if !step::readable(&stdout, deadline)? {
            return Err(Failure::failed(format!(
                "no answer to initialize within {} s",
                ANSWER_LIMIT.as_secs()
            )));
        }
        match stdout.read(&mut chunk).doing("reading its answer")? {
            0 => break,
            length => line.extend(chunk.iter().take(length)),
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// A git repository of its own for one server, removed afterwards.
struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    fn new(name: &str) -> Result<Scratch, Failure> {
        let dir =
            std::env::temp_dir().join(format!("dropgate-start-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).doing(format_args!("making {}", dir.display()))?;
        let scratch = Scratch { dir };
        let mut command = Command::new("git");
        command.args(["init", "--quiet"]).arg(&scratch.dir);
        let mut child = command.spawn().doing("starting git")?;
        match step::wait(&mut child, Instant::now() + ANSWER_LIMIT)? {
            Some(status) if status.success() => Ok(scratch),
            _ => Err(Failure::failed(format!(
                "git init in {} failed",
                scratch.dir.display()
            ))),
        }
    }

    fn log(&self) -> Result<std::fs::File, Failure> {
        std::fs::File::create(self.log_path()).doing("making a log")
    }

    fn said(&self) -> String {
        let text = std::fs::read(self.log_path()).unwrap_or_default();
        let tail = text.len().saturating_sub(2000);
        String::from_utf8_lossy(text.get(tail..).unwrap_or_default()).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        Path::new(&self.dir).with_extension("log")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed from the temporary folder harms nothing.
        let _ = remove(&self.dir);
        let _ = remove(&self.log_path());
    }
}
