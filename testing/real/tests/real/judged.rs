//! `dropgate audit --probe` on published servers: what the source says, and what a run says of that.

use std::fs::File;
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

/// Package, and what a run says of a rule.
const ROWS: [(&str, &str, &str); 2] = [
    (
        "@modelcontextprotocol/server-memory",
        "LIFE-001",
        "confirmed",
    ),
    (
        "@modelcontextprotocol/server-puppeteer",
        "LIFE-001",
        "confirmed",
    ),
];

#[test]
fn a_run_settles_what_the_source_says() {
    let test = "a_run_settles_what_the_source_says";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    for (package, rule, word) in ROWS {
        let place = Place::new(User::own());
        let folder = counterparts.path("npm/node_modules").join(package);
        let page = place.temporary().join("page.json");
        let mut audit = Command::new(programs::dropgate());
        audit
            .args(["audit", "--format", "json", "--probe"])
            .arg(&folder)
            .args(["--", "node"])
            .arg(folder.join("dist/index.js"))
            .envs(counterparts.environment(&place))
            .stdout(File::create(&page).unwrap());
        bounded::run(audit, LIMIT).expect("the audit ends");
        let page: Value = serde_json::from_slice(&std::fs::read(&page).unwrap()).unwrap();
        let findings = page["findings"].as_array().expect("a list");
        let found = findings.iter().find(|it| it["rule"] == rule);
        let end = match found.map(|it| &it["probe"]["outcome"]) {
            Some(told) if told == word => Ok(format!("{rule} is {word}")),
            Some(_) | None => Err(format!("{rule} is not {word}: {page}")),
        };
        verdicts.row(package, end);
    }
    verdicts.close();
}
