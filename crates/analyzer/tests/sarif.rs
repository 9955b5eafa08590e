//! The SARIF log is valid by the official schema and has what code hosts need.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::output::sarif;
use dropgate_analyzer::rules::{RULES, find};
use serde_json::Value;

const SCHEMA: &str = include_str!("schemas/sarif-schema-2.1.0.json");

fn of(files: Vec<(String, &str)>) -> Analysis {
    let files = files
        .into_iter()
        .map(|(path, text)| (Name::from(path), text.to_owned()))
        .collect();
    analyze_texts(files).expect("threads start")
}

/// The bad source of every rule in its first language, each a file.
fn all_faults() -> Analysis {
    let files = RULES
        .iter()
        .filter_map(|rule| Some((rule, rule.fixtures.first()?)))
        .map(|(rule, fixture)| {
            let path = format!("a b/{}.{}", rule.id, fixture.language.short());
            (path, fixture.bad)
        })
        .collect();
    of(files)
}

fn check(log: &Value) {
    // Patterns of the published schema have a bracket that closes nothing, which Rust's expressions refuse and others take
    // literally; escaped, it means the same to both.
    let schema = SCHEMA.replace("[a-zA-Z]{2}]?$", r"[a-zA-Z]{2}\\]?$");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator
        .iter_errors(log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn logs_are_valid() {
    let log = sarif::log(&all_faults(), "pkg/");
    check(&log);
    check(&sarif::log(&all_faults(), "/srv/pkg/"));
    check(&sarif::log(&of(Vec::new()), ""));
    let broken = of(vec![("broken.ts".to_owned(), "export function ( {")]);
    let log = sarif::log(&broken, "");
    check(&log);
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(
        invocation["toolExecutionNotifications"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
            ["uri"],
        "broken.ts"
    );
}

#[test]
fn accepted_results_say_by_whom() {
    let fault = find("LIFE-002").expect("the rule is there").fixtures[0].bad;
    let text = fault.replace("// FINDING", "// dropgate-ignore LIFE-002: only reads");
    let log = sarif::log(&of(vec![("a.ts".to_owned(), &text)]), "");
    check(&log);
    let results = log["runs"][0]["results"].as_array().expect("a list");
    let accepted: Vec<&Value> = results
        .iter()
        .filter(|result| result["suppressions"] != Value::Array(Vec::new()))
        .collect();
    assert_eq!(accepted.len(), 1, "{results:?}");
    assert_eq!(accepted[0]["ruleId"], "LIFE-002");
    let suppression = &accepted[0]["suppressions"][0];
    assert_eq!(suppression["kind"], "inSource");
    assert_eq!(suppression["justification"], "only reads");
}

#[test]
#[should_panic(expected = "version")]
fn the_schema_refuses_what_is_no_log() {
    let mut log = sarif::log(&of(Vec::new()), "");
    log["version"] = Value::from("1.0");
    check(&log);
}

#[test]
fn results_have_what_code_hosts_need() {
    let analysis = all_faults();
    let log = sarif::log(&analysis, "pkg/");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("a list");
    assert_eq!(results.len(), analysis.findings.len());
    let mut flows = 0;
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index");
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(index).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            rule["help"]["markdown"]
                .as_str()
                .is_some_and(|help| help.contains("```"))
        );
        assert!(rule["properties"]["security-severity"].is_string());
        let print = result["partialFingerprints"]["primaryLocationLineHash"].as_str();
        assert!(print.is_some_and(|print| print.len() > 10), "{result}");
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(
            place
                .as_str()
                .is_some_and(|uri| uri.starts_with("pkg/a%20b/")),
            "{place}"
        );
        flows += usize::from(result.get("codeFlows").is_some());
    }
    let expected = analysis
        .findings
        .iter()
        .filter(|finding| !finding.related.is_empty())
        .count();
    assert_eq!(flows, expected);
    assert!(expected > 0, "no finding has a flow");
}
