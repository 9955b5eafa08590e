//! An OpenBao that makes roles in a PostgreSQL.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bao::{Bao, START, Wire, free_port};
use crate::base::Folder;

/// Linux's `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Both, running; ended when dropped.
pub(crate) struct Pair {
    pub(crate) bao: Bao,
    postgres: Child,
    postgres_port: u16,
    programs: PathBuf,
    _folder: Folder,
}

impl Pair {
    /// Starts both, or says that the test is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let bao = Bao::start(test, Wire::Plain)?;
        let programs = programs();
        let folder = Folder::new();
        let postgres_port = free_port();
        let pair = Self {
            postgres: postgres(&programs, folder.path(), postgres_port),
            bao,
            postgres_port,
            programs,
            _folder: folder,
        };
        pair.prepare();
        Some(pair)
    }

    /// Whether the credentials of this address are accepted.
    pub(crate) fn logs_in(&self, url: &str) -> bool {
        let status = Command::new(self.programs.join("psql"))
            .args([url, "-Atqc", "select 1"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("psql runs").success()
    }

    /// How long it takes from `since` until the credentials are refused.
    pub(crate) fn refused_after(&self, url: &str, since: Instant) -> Duration {
        while self.logs_in(url) {
            assert!(since.elapsed() < START, "{url} still logs in");
        }
        since.elapsed()
    }

    /// The rest of `dropgate.toml` after `[vault]`, and a secret with a lease.
    pub(crate) fn configuration(&self, address: &str) -> String {
        let port = self.postgres_port;
        format!(
            "[secrets.DATABASE_URL]\nvault = \"database/creds/app\"\n\
             template = \"postgres://{{username}}:{{password:url}}@127.0.0.1:{port}/postgres\"\n\
             [vault]\naddress = \"{address}\"\n"
        )
    }

    fn prepare(&self) {
        let until = Instant::now() + START;
        let admin = format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.postgres_port
        );
        while !self.logs_in(&admin) {
            assert!(Instant::now() < until, "PostgreSQL does not start");
        }
        let database = json!({"type": "database"});
        self.bao.ask("POST", "sys/mounts/database", &database);
        let port = self.postgres_port;
        let connection = json!({
            "plugin_name": "postgresql-database-plugin", "allowed_roles": "app",
            "connection_url": format!(
                "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?sslmode=disable"
            ),
            "username": "postgres", "password": "not-asked-for",
        });
        self.bao.ask("POST", "database/config/pg", &connection);
        let role = json!({
            "db_name": "pg", "default_ttl": "3s", "max_ttl": "1h",
            "creation_statements": "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' \
                                    VALID UNTIL '{{expiration}}';",
        });
        let longer = {
            let mut role = role.clone();
            role["default_ttl"] = json!("10m");
            role
        };
        self.bao.ask("POST", "database/roles/app", &longer);
        self.bao.ask("POST", "database/roles/short", &role);
        self.bao.ask(
            "PUT",
            "database/config/pg",
            &json!({"allowed_roles": "app,short",
            "plugin_name": "postgresql-database-plugin"}),
        );
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ended_already = self.postgres.kill();
        let _ended = self.postgres.wait();
    }
}

fn postgres(programs: &Path, folder: &Path, port: u16) -> Child {
    let data = folder.join("postgres");
    std::fs::create_dir(&data).expect("a folder");
    let as_root = rustix::process::geteuid().is_root();
    let command = |name: &str| {
        let mut command = Command::new(programs.join(name));
        command
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if as_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    if as_root {
        chown(&data, Some(NOBODY), Some(NOBODY)).expect("root can give a folder away");
    }
    let made = command("initdb")
        .args([
            "-A",
            "scram-sha-256",
            "-U",
            "postgres",
            "--no-sync",
            "-D",
            ".",
        ])
        .arg("--pwfile=/dev/stdin")
        .stdin(password_file(folder))
        .status();
    assert!(made.expect("initdb runs").success(), "initdb");
    // The administrator is let in without a password, roles by theirs.
    let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(data.join("pg_hba.conf"), rules).expect("a file");
    command("postgres")
        .args(["-D", ".", "-h", "127.0.0.1", "-k", "", "-F", "-p"])
        .arg(port.to_string())
        .spawn()
        .expect("postgres starts")
}

fn password_file(folder: &Path) -> std::fs::File {
    let path = folder.join("password");
    std::fs::write(&path, "not-asked-for\n").expect("a file");
    std::fs::File::open(path).expect("the same file")
}

/// Debian keeps PostgreSQL's own programs out of PATH.
fn programs() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten();
        let mut folders: Vec<PathBuf> = versions
            .map(|version| version.path().join("bin"))
            .filter(|folder| folder.join("initdb").exists())
            .collect();
        folders.sort();
        folders
            .pop()
            .expect("PostgreSQL is installed under /usr/lib/postgresql")
    });
    found.clone()
}
