//! A journal and a counter that several runs share, and what they say afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::{Column, Place, as_user};
use crate::problem::{Checked, Says as _, fail};
use crate::run::Setup;

/// The folder of one journal, one counter and one configuration.
#[derive(Debug)]
pub struct Books<'a> {
    place: &'a Place,
    column: Column,
    dir: PathBuf,
}

/// How a killed run's journal was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a seal.
    Sealed,
    /// For the next start to finish.
    Left,
}

/// The journal's name.
const NAME: &str = "counter";

impl<'a> Books<'a> {
    /// New ones.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn open(place: &'a Place, column: Column, config: &str) -> Checked<Self> {
        let dir = place.folder(column.user)?;
        let path = dir.join("dropgate.toml");
        fs::write(&path, config).says(path.display())?;
        Ok(Self { place, column, dir })
    }

    /// Changes the configuration for the runs that follow.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn configure(&self, config: &str) -> Checked {
        fs::write(self.dir.join("dropgate.toml"), config).says("the configuration")
    }

    /// A run of the counting server that keeps these books.
    ///
    /// # Errors
    /// The folder has no plain path.
    pub fn setup(&self) -> Checked<Setup> {
        let counter = self.counter();
        let counter = counter.to_str().says("a plain path")?;
        let config = self.dir.join("dropgate.toml");
        let config = config.to_str().says("a plain path")?;
        let mut setup = Setup::new(self.column, &["counter", counter])
            .flags(&["--name", NAME, "--config", config]);
        let state = self.dir.join("state").display().to_string();
        setup.environment.push(("XDG_STATE_HOME".to_owned(), state));
        Ok(setup)
    }

    /// Where the server counts.
    #[must_use]
    pub fn counter(&self) -> PathBuf {
        self.dir.join("counted")
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The arguments of all calls that the server has carried out, in order.
    ///
    /// # Errors
    /// The file can't be read, or holds something else.
    pub fn counted(&self) -> Checked<Vec<Value>> {
        let path = self.counter();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = fs::read_to_string(path).says("the counter")?;
        text.lines()
            .map(|line| serde_json::from_str(line).says("a counted call"))
            .collect()
    }

    /// What `dropgate journal` prints, and with which code it ends.
    ///
    /// # Errors
    /// It can't be started.
    pub fn journal(&self, words: &[&str]) -> Checked<(Option<i32>, String)> {
        let mut verb = as_user(self.place.dropgate(), self.column.user, &self.dir);
        verb.arg("journal").args(words);
        verb.arg("--dir")
            .arg(self.dir.join("state/dropgate/journal"));
        let output = verb.output().says("dropgate journal")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.code(), text))
    }

    /// Checks that every record follows from the one before.
    ///
    /// # Errors
    /// One does not.
    pub fn verify(&self) -> Checked {
        match self.journal(&["verify"])? {
            (Some(0), _) => Ok(()),
            (code, text) => fail(format!("journal verify ended with {code:?}: {text}")),
        }
    }

    /// Whether the chains end with their seals: whoever ends a killed run's has 2 s for it, and the
    /// next start does what was left.
    ///
    /// # Errors
    /// A record does not follow from the one before.
    pub fn ending(&self) -> Checked<Ending> {
        match self.journal(&["verify"])? {
            (Some(0), text) if text.contains("not sealed") => Ok(Ending::Left),
            (Some(0), _) => Ok(Ending::Sealed),
            // What was cut off in mid-write is mended by the next start.
            (Some(2), _) => Ok(Ending::Left),
            (code, text) => fail(format!("journal verify ended with {code:?}: {text}")),
        }
    }

    /// All records, in order.
    ///
    /// # Errors
    /// They can't be read.
    pub fn records(&self) -> Checked<Vec<Value>> {
        let (code, text) = self.journal(&["show", "--format", "json"])?;
        if code != Some(0) {
            return fail(format!("journal show ended with {code:?}: {text}"));
        }
        text.lines()
            .map(|line| serde_json::from_str(line).says("a record"))
            .collect()
    }

    /// What `dropgate journal outcome` says of a call.
    ///
    /// # Errors
    /// It knows no such call.
    pub fn outcome(&self, reference: &str) -> Checked<Value> {
        let (code, text) = self.journal(&["outcome", reference, "--format", "json"])?;
        if code != Some(0) {
            return fail(format!("journal outcome {reference} ended with {code:?}"));
        }
        serde_json::from_str(&text).says("an outcome")
    }

    /// The segments of all chains as they are now, also while they are written.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn segments(&self) -> Checked<Vec<PathBuf>> {
        let journal = self.dir.join("state/dropgate/journal").join(NAME);
        let mut segments = Vec::new();
        for chain in folders(&journal)? {
            for file in folders(&chain).unwrap_or_default() {
                if file.extension().is_some_and(|end| end == "jsonl") {
                    segments.push(file);
                }
            }
        }
        segments.sort();
        Ok(segments)
    }
}

fn folders(dir: &Path) -> Checked<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).says(dir.display())?;
    entries
        .map(|entry| Ok(entry.says(dir.display())?.path()))
        .collect()
}
