//! A PostgreSQL of one row's own, on a socket in its folder.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bounded;
use crate::counterparts::Variables;
use crate::place::Place;
use crate::user::User;

/// A new cluster on a loaded machine.
const INIT: Duration = Duration::from_secs(120);
/// A start, or a statement.
const SOON: Duration = Duration::from_secs(60);

/// Where Debian puts the programs that are not for everybody.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A running database server; ended when dropped.
pub(crate) struct Postgres {
    child: Child,
    bin: PathBuf,
    sockets: PathBuf,
    user: User,
}

impl Postgres {
    /// The owner is `owner`; `writer` owns nothing and may do everything with the table `notes`.
    pub(crate) fn start(place: &Place) -> Result<Self, String> {
        let user = User::Ordinary;
        let bin = programs()?;
        let data = place.temporary().join("pg");
        let mut init = as_user(&bin.join("initdb"), user);
        init.args(["--auth=trust", "--username=owner", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null());
        let made = bounded::run(init, INIT).map_err(|error| format!("initdb: {error}"))?;
        if !made.success() {
            return Err(format!("initdb: {made}"));
        }
        let log =
            File::create(place.temporary().join("pg.log")).map_err(|error| error.to_string())?;
        let mut server = as_user(&bin.join("postgres"), user);
        server
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"])
            .arg(place.temporary())
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = server
            .spawn()
            .map_err(|error| format!("postgres: {error}"))?;
        let postgres = Self {
            child,
            bin,
            sockets: place.temporary(),
            user,
        };
        postgres.await_ready()?;
        postgres.run("create role writer login; create table notes (note text)")?;
        postgres.run("grant all on notes to writer")?;
        Ok(postgres)
    }

    /// What a client of it has in its environment.
    pub(crate) fn environment(&self) -> Variables {
        let path = std::env::var("PATH").unwrap_or_default();
        [
            ("PGHOST", self.sockets.display().to_string()),
            ("PGUSER", "writer".to_owned()),
            ("PGDATABASE", "postgres".to_owned()),
            ("PATH", format!("{}:{path}", self.bin.display())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Runs statements as the owner.
    pub(crate) fn run(&self, sql: &str) -> Result<(), String> {
        let done = self.ask(sql)?;
        if done {
            Ok(())
        } else {
            Err(format!("psql: {sql}"))
        }
    }

    fn await_ready(&self) -> Result<(), String> {
        let until = Instant::now() + SOON;
        // Each try is a process of its own that waits for its answer, so this is no busy loop.
        while Instant::now() < until {
            if self.ask("select 1")? {
                return Ok(());
            }
        }
        Err("postgres does not answer".to_owned())
    }

    fn ask(&self, sql: &str) -> Result<bool, String> {
        let mut psql = as_user(&self.bin.join("psql"), self.user);
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "owner", "-h"])
            .arg(&self.sockets)
            .args(["-d", "postgres"]);
        for statement in sql.split(';') {
            psql.args(["-c", statement]);
        }
        psql.stdout(Stdio::null()).stderr(Stdio::null());
        let done = bounded::run(psql, SOON).map_err(|error| format!("psql: {error}"))?;
        Ok(done.success())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGKILL leaves shared memory behind; SIGQUIT ends all of it at once.
        let pid = i32::try_from(self.child.id()).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let _ended = self.child.wait();
    }
}

fn as_user(program: &Path, user: User) -> Command {
    let mut command = Command::new(program);
    // A folder that another user may not enter would stop initdb.
    command.current_dir("/");
    if let Some(id) = user.to_become() {
        command.uid(id).gid(id);
    }
    command
}

/// The folder with the newest PostgreSQL's programs.
fn programs() -> Result<PathBuf, String> {
    let entries = fs::read_dir(VERSIONS).map_err(|error| format!("{VERSIONS}: {error}"))?;
    let newest = entries
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .max();
    newest.ok_or_else(|| format!("no PostgreSQL in {VERSIONS}"))
}
