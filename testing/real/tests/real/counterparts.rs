//! The installed counterparts: where they are and how each server is started.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::place::Place;
use crate::user::{User, runs_as_root};
use crate::verdicts::say;

pub(crate) type Variables = BTreeMap<String, String>;

/// What `cargo xtask test` installed.
pub(crate) struct Counterparts {
    dir: PathBuf,
    variables: Variables,
    rows: Vec<Row>,
}

/// One row of `servers.json`.
#[derive(Deserialize)]
struct Row {
    name: String,
    argv: Vec<String>,
    cwd: String,
    #[serde(default)]
    env: Variables,
    #[serde(default)]
    root_env: Variables,
}

#[derive(Deserialize)]
struct Rows {
    servers: Vec<Row>,
}

/// A server with everything filled in.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) argv: Vec<String>,
    pub(crate) cwd: String,
    /// The whole environment.
    pub(crate) env: Variables,
}

impl Counterparts {
    /// Finds them, or says that the test is skipped.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let Some(dir) = std::env::var_os("DROPGATE_COUNTERPARTS").map(PathBuf::from) else {
            say(&format!("skipped: {test}: run cargo xtask test"));
            return None;
        };
        let list = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../counterparts/servers.json");
        let list = std::fs::read(&list).expect("servers.json of the counterparts");
        let list: Rows = serde_json::from_slice(&list).expect("servers.json is a list of servers");
        let variables = std::fs::read(dir.join("env.json")).expect("an installation has env.json");
        Some(Self {
            dir,
            variables: serde_json::from_slice(&variables).expect("env.json is one object"),
            rows: list.servers,
        })
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.join(below)
    }

    /// The environment that every counterpart needs, in this place.
    pub(crate) fn environment(&self, place: &Place) -> Variables {
        let mut all = self.variables.clone();
        for (name, path) in [
            ("HOME", place.home()),
            ("TMPDIR", place.temporary()),
            ("XDG_RUNTIME_DIR", place.runtime()),
        ] {
            all.insert(name.to_owned(), path.display().to_string());
        }
        all
    }

    /// A server of the list, in this place and for this user.
    pub(crate) fn server(&self, name: &str, place: &Place, user: User) -> Server {
        let row = self.rows.iter().find(|row| row.name == name);
        let row = row.expect("a name of servers.json");
        let fill = |text: &String| {
            text.replace("{counterparts}", &self.dir.display().to_string())
                .replace("{scratch}", &place.repository().display().to_string())
        };
        let mut env = self.environment(place);
        let root = row
            .root_env
            .iter()
            .filter(|_| user == User::Root && runs_as_root());
        for (name, value) in row.env.iter().chain(root) {
            env.insert(name.clone(), fill(value));
        }
        Server {
            argv: row.argv.iter().map(fill).collect(),
            cwd: fill(&row.cwd),
            env,
        }
    }
}
