//! What a policy in shadow does while it is tried, and what may be tried.

use serde_json::{Value, json};

use crate::host::Run;
use crate::place::{NAME, POLICIES, Place, SERVER, stdout};

#[test]
fn a_policy_in_shadow_denies_nothing_for_a_while_and_says_what_it_would() {
    let days = |days: u64| {
        let until = std::time::SystemTime::now() + std::time::Duration::from_secs(days * 86_400);
        humantime::format_rfc3339_seconds(until).to_string()
    };
    let with = |until: &str| {
        let tried = format!("@shadow_until(\"{until}\")\n@id(\"no-climbing\")");
        POLICIES.replace("@id(\"no-climbing\")", &tried)
    };
    let place = Place::new("[authorize]\ncedar = [\"a.cedar\"]\n");
    let config = [
        "run",
        "--config",
        "dropgate.toml",
        "--explain",
        "--name",
        NAME,
    ];
    let rows = [
        (days(6), "done", "would_deny:no-climbing"),
        ("2026-01-01T00:00:00Z".to_owned(), "denied", "no-climbing"),
    ];
    for (runs, (until, became, named)) in (1..).zip(&rows) {
        place.write("a.cedar", &with(until));
        let mut command = place.dropgate(&config);
        let mut run = Run::begin(command.args(["--", "sh", "-c", SERVER]));
        run.ask("tools/list", &json!({}));
        assert_eq!(run.call("/srv/../a"), *became, "{until}");
        assert_eq!(run.call("/etc/a"), "denied", "what nobody permits");
        let told = run.end();
        let is_told = told.contains(&format!(
            "weakened by policy \"no-climbing\" in shadow: it denies nothing until {until}"
        ));
        let is_shadowed = *became == "done";
        assert_eq!(is_told, is_shadowed, "{told}");
        let shown = stdout(&place.say(&["journal", "show", "--format", "json", NAME]));
        let records: Vec<Value> = shown
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let names = |record: &&Value| {
            let policies = record["policies"].as_array();
            policies.is_some_and(|all| all.iter().any(|id| id == named))
        };
        assert_eq!(records.iter().filter(names).count(), 1, "{named}: {shown}");
        // The first run's note stands there still; the second has nothing to note.
        let noted = shown.matches("weakened by policy").count();
        assert_eq!(noted, 1, "after {runs} runs: {shown}");
    }
    let bad = [
        (with(&days(8)), "more than 7 days ahead"),
        (with("soon"), "is no time"),
        (
            format!(
                "@shadow_until(\"{}\") permit (principal, action, resource);",
                days(1)
            ),
            "only a forbid",
        ),
    ];
    for (text, part) in bad {
        place.write("a.cedar", &text);
        let output = place.say(&["check"]);
        assert_eq!(output.status.code(), Some(78));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("a.cedar:") && told.contains(part), "{told}");
    }
}
