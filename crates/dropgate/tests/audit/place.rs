//! A folder with a server, and the verb on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A server that ends in the middle of calls.
pub(crate) const BAD: &str = include_str!("../../../analyzer/tests/fixtures/ts/LIFE-002/bad.ts");

/// A folder of its own, gone with the value.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let name = format!("dropgate-audit-{:016x}", u64::from_le_bytes(bits));
        let place = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&place.0).unwrap();
        place
    }

    /// With one file.
    pub(crate) fn with(path: &str, text: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        place.write(path, text);
        place
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    /// The verb, run in the folder.
    pub(crate) fn audit(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_dropgate"))
            .arg("audit")
            .args(arguments)
            .current_dir(&self.0)
            .env("HOME", &self.0)
            .output()
            .unwrap();
        Ran(output)
    }

    /// What it writes as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        let ran = self.audit(&all);
        serde_json::from_str(&ran.stdout()).unwrap_or_else(|_| panic!("{}", ran.stderr()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// How it ended.
pub(crate) struct Ran(Output);

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }
}

/// The ids of the open findings, in order.
pub(crate) fn rules(page: &Value) -> Vec<String> {
    let findings = page["findings"].as_array().unwrap();
    let ids = findings.iter().map(|it| it["rule"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}
