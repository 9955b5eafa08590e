//! `dropgate audit --probe` on published servers: what the source says, and what a run says of that.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::bounded;
use crate::counterparts::Counterparts;
use crate::place::Place;
use crate::programs;
use crate::user::User;
use crate::verdicts::Verdicts;

const LIMIT: Duration = Duration::from_secs(120);

/// A server, its source, what starts it, and what a run says of a rule.
struct Row {
    server: &'static str,
    source: &'static str,
    program: &'static [&'static str],
    call: Option<(&'static str, &'static str)>,
    rule: &'static str,
    word: &'static str,
}

/// A page that keeps the browser at work while the server is ended.
const BUSY_PAGE: &str =
    r#"{"url":"data:text/html,<script>const e=Date.now()+4000;while(Date.now()<e);</script>"}"#;

const ROWS: [Row; 3] = [
    Row {
        server: "memory",
        source: "npm/node_modules/@modelcontextprotocol/server-memory",
        program: &[
            "node",
            "npm/node_modules/@modelcontextprotocol/server-memory/dist/index.js",
        ],
        call: None,
        rule: "LIFE-001",
        word: "confirmed",
    },
    // Its browser, once there, keeps it alive.
    Row {
        server: "puppeteer",
        source: "npm/node_modules/@modelcontextprotocol/server-puppeteer",
        program: &[
            "node",
            "npm/node_modules/@modelcontextprotocol/server-puppeteer/dist/index.js",
        ],
        call: Some(("puppeteer_navigate", BUSY_PAGE)),
        rule: "LIFE-004",
        word: "confirmed",
    },
    // Its handler of SIGTERM sets an event that nobody waits for.
    Row {
        server: "atlassian",
        source: "python/tools/mcp-atlassian/lib",
        program: &["python/tools/mcp-atlassian/bin/mcp-atlassian"],
        call: None,
        rule: "LIFE-005",
        word: "confirmed",
    },
];

#[test]
fn a_run_settles_what_the_source_says() {
    let test = "a_run_settles_what_the_source_says";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    for row in &ROWS {
        verdicts.row(row.server, settled(&counterparts, row));
    }
    verdicts.close();
}

fn settled(counterparts: &Counterparts, row: &Row) -> Result<String, String> {
    let user = User::own();
    let place = Place::new(user);
    let page = place.temporary().join("page.json");
    let mut audit = Command::new(programs::dropgate());
    audit
        .args([
            "audit",
            "--format",
            "json",
            "--probe",
            "--probe-bound",
            "8s",
        ])
        .arg(source(&counterparts.path(row.source)))
        .envs(counterparts.server(row.server, &place, user).env)
        .stdout(File::create(&page).unwrap());
    if let Some((tool, arguments)) = row.call {
        audit.args(["--probe-call", tool, arguments]);
    }
    audit.arg("--").args(row.program.iter().map(|word| {
        if word.contains('/') {
            counterparts.path(word).into_os_string()
        } else {
            word.into()
        }
    }));
    bounded::run(audit, LIMIT).map_err(|error| error.to_string())?;
    let page: Value = serde_json::from_slice(&std::fs::read(&page).unwrap())
        .map_err(|error| format!("no page: {error}"))?;
    let findings = page["findings"].as_array().expect("a list");
    let found = findings.iter().find(|it| it["rule"] == row.rule);
    match found.map(|it| &it["probe"]) {
        Some(told) if told["outcome"] == row.word => {
            Ok(format!("{} is {}: {}", row.rule, row.word, told["because"]))
        }
        Some(_) | None => Err(format!("{} is not {}: {page}", row.rule, row.word)),
    }
}

/// The folder itself, or in a Python installation the package of the server, whatever the version of Python.
fn source(folder: &Path) -> PathBuf {
    let below = std::fs::read_dir(folder).into_iter().flatten().flatten();
    below
        .map(|version| version.path().join("site-packages/mcp_atlassian"))
        .find(|package| package.exists())
        .unwrap_or_else(|| folder.to_owned())
}
