//! The projects: in PostgreSQL if there is one, else in a file of lines `name<TAB>description`.

use std::env;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use dropgate_gate::gather::Fault;

use super::postgres;

const SQL: &str = "SELECT 'dropgate', 'shuts by its own weight'";
const FILE: &str = "other\tsomething else\ndropgate\tshuts by its own weight\n";

/// Where the projects are.
pub(crate) enum Database {
    /// In PostgreSQL.
    Postgres(SocketAddr),
    /// In a file, which goes with this value.
    File(PathBuf),
}

impl Database {
    /// The one that the environment names, or a new file.
    pub(crate) async fn open() -> io::Result<Self> {
        if let Ok(address) = env::var("DROPGATE_EXAMPLE_POSTGRES") {
            let address = address.parse().map_err(io::Error::other)?;
            return Ok(Self::Postgres(address));
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("dropgate-example-{}-{number}.tsv", process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, FILE)?;
        Ok(Self::File(path))
    }

    /// The description of a project.
    pub(crate) async fn project(&self, name: &str) -> Result<String, Fault> {
        let rows = match self {
            Self::Postgres(address) => postgres::rows(*address, SQL).await,
            Self::File(path) => fs::read_to_string(path).map(|text| {
                text.lines()
                    .map(|line| line.split('\t').map(str::to_owned).collect())
                    .collect()
            }),
        };
        let rows: Vec<Vec<String>> = rows.map_err(|_| Fault::Failed)?;
        rows.into_iter()
            .find(|row| row.first().is_some_and(|first| first == name))
            .and_then(|row| row.into_iter().nth(1))
            .ok_or(Fault::Failed)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match self {
            Self::Postgres(_) => {}
            // A file that is left behind in the folder for such files does no harm.
            Self::File(path) => drop(fs::remove_file(path)),
        }
    }
}
