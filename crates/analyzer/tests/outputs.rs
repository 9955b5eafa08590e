//! What is written of an analysis, and what it is judged to be.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use dropgate_analyzer::Analysis;
use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::Surface;
use dropgate_analyzer::gate::{Empty, Gate, Verdict, judge};
use dropgate_analyzer::output::{badge, explain, github, gitlab, html, json, junit, text};
use dropgate_analyzer::rules::{RULES, find};
use dropgate_analyzer::user_rules::UserRules;
use serde_json::Value;

fn of(files: &[(&str, &str)]) -> Analysis {
    let files = files
        .iter()
        .map(|(path, text)| (Name::from(*path), (*text).to_owned()))
        .collect();
    analyze_texts(files).expect("threads start")
}

/// A server whose process ends in the middle of calls.
fn bad() -> Analysis {
    let rule = find("LIFE-002").expect("the rule is there");
    of(&[("src/server.ts", rule.fixtures[0].bad)])
}

fn gates(texts: &[&str]) -> Vec<Gate> {
    texts
        .iter()
        .map(|text| text.parse().expect("a gate"))
        .collect()
}

#[test]
fn json_has_the_documented_members() {
    let analysis = bad();
    let page = serde_json::to_value(json::Page::of(&analysis)).expect("JSON");
    for member in [
        "grade",
        "score",
        "axes",
        "analysed",
        "findings",
        "unanalysable",
    ] {
        assert!(page.get(member).is_some(), "{member} in {page}");
    }
    let findings = page["findings"].as_array().expect("a list");
    let finding = findings
        .iter()
        .find(|finding| finding["rule"] == "LIFE-002")
        .expect("the fault is found");
    for member in [
        "name",
        "severity",
        "confidence",
        "because",
        "surface",
        "file",
        "line",
        "end_line",
        "message",
        "fix",
        "fingerprint",
    ] {
        assert!(
            !finding[member].is_null() && finding[member] != "",
            "{member} in {finding}"
        );
    }
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let (one, two) = (bad(), bad());
    let page =
        |analysis: &Analysis| serde_json::to_string(&json::Page::of(analysis)).expect("JSON");
    assert_eq!(page(&one), page(&two));
    assert_eq!(
        text::render(&one, "", text::Colors::Plain),
        text::render(&two, "", text::Colors::Plain)
    );
}

#[test]
fn text_shows_the_line_and_what_to_do() {
    let analysis = bad();
    let shown = text::render(&analysis, "pkg/", text::Colors::Plain);
    let finding = analysis
        .findings
        .iter()
        .find(|finding| finding.rule == "LIFE-002")
        .expect("the fault is found");
    assert!(shown.contains("[LIFE-002]"), "{shown}");
    let place = format!("pkg/src/server.ts:{}", finding.line);
    assert!(shown.contains(&place), "{place} in {shown}");
    assert!(shown.contains("process.exit"), "{shown}");
    assert!(shown.contains("grade "), "{shown}");
    assert!(
        !shown.contains('\u{1b}'),
        "no colour was asked for: {shown}"
    );
}

#[test]
fn a_source_can_not_write_to_the_terminal() {
    let mut analysis = bad();
    for finding in &mut analysis.findings {
        finding.message = "a\u{1b}[2Jb\u{202e}c".to_owned();
    }
    for (_, source) in &mut analysis.sources {
        *source = source.replace("process", "proce\u{1b}s");
    }
    let shown = text::render(&analysis, "", text::Colors::Plain);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
}

#[test]
fn a_page_runs_nothing_of_the_source() {
    let mut analysis = bad();
    for finding in &mut analysis.findings {
        finding.message = "<img src=x onerror='alert(1)'>".to_owned();
    }
    for (_, source) in &mut analysis.sources {
        *source = source.replace("shutting down", "</pre><script>alert(1)</script>");
    }
    let page = html::render(&analysis, "a\"b/");
    assert_eq!(page.matches("<script>").count(), 1, "{page}");
    assert!(!page.contains("<img") && !page.contains("a\"b/"), "{page}");
    assert!(page.contains("script-src 'sha256-"), "{page}");
    assert_eq!(page, html::render(&analysis, "a\"b/"));
}

#[test]
fn annotations_are_one_line_each() {
    let analysis = bad();
    let shown = github::render(&analysis, "pkg/");
    assert_eq!(shown.lines().count(), analysis.findings.len());
    assert!(
        shown
            .lines()
            .all(|line| line.starts_with("::") && line.contains(" file=pkg/src/server.ts,line=")),
        "{shown}"
    );
}

/// Faults, one that a comment accepts, one in a test, and a file that can't be read, with names that mean something to XML.
fn mixed() -> Analysis {
    let rule = find("LIFE-002").expect("the rule is there");
    let fault = rule.fixtures[0].bad;
    let accepted = fault.replace(
        "// FINDING",
        "// dropgate-ignore LIFE-002: <only> \"reads\"",
    );
    let mut analysis = of(&[
        ("src/a&b<'>.ts", fault),
        ("src/accepted.ts", &accepted),
        ("src/other.ts", fault),
        ("src/broken.ts", "export function ( {"),
    ]);
    let first = analysis.findings.first_mut().expect("faults are found");
    first.surface = Surface::Tests;
    analysis
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(&json::schema()).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for analysis in [mixed(), bad(), of(&[])] {
        let page = serde_json::to_value(json::Page::of(&analysis)).expect("JSON");
        let errors: Vec<String> = validator
            .iter_errors(&page)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        for member in ["version", "grade", "analysed", "findings"] {
            let mut less = page.clone();
            less.as_object_mut().expect("an object").remove(member);
            assert!(!validator.is_valid(&less), "{member} can be left out");
        }
    }
    let mut wrong = serde_json::to_value(json::Page::of(&bad())).expect("JSON");
    wrong["findings"][0]["severity"] = Value::from("awful");
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn the_schema_of_the_json_is_up_to_date() {
    up_to_date("audit.schema.json", &json::schema());
}

#[test]
fn gitlab_gets_every_finding_and_every_file_that_was_not_read() {
    let analysis = mixed();
    let issues = serde_json::to_value(gitlab::issues(&analysis, "pkg/")).expect("JSON");
    let issues = issues.as_array().expect("a list");
    assert_eq!(issues.len(), analysis.findings.len() + 1);
    let mut prints = std::collections::BTreeSet::new();
    for issue in issues {
        for member in ["description", "check_name", "fingerprint", "severity"] {
            assert!(
                issue[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member} in {issue}"
            );
        }
        let known = ["info", "minor", "major", "critical", "blocker"];
        assert!(known.iter().any(|word| issue["severity"] == *word));
        assert!(issue["location"]["lines"]["begin"].as_u64() >= Some(1));
        assert!(
            issue["location"]["path"]
                .as_str()
                .is_some_and(|path| path.starts_with("pkg/"))
        );
        assert!(prints.insert(issue["fingerprint"].to_string()), "{issue}");
    }
    let unread = issues.last().expect("one is there");
    assert_eq!(unread["severity"], "blocker");
    assert_eq!(unread["location"]["path"], "pkg/src/broken.ts");
}

#[test]
fn junit_counts_what_it_holds() {
    let analysis = mixed();
    let report = junit::render(&analysis, "pkg/");
    let count = |what: &str| report.matches(what).count();
    let open = analysis.findings.iter();
    let failing = open
        .filter(|one| dropgate_analyzer::gate::counts(one))
        .count();
    assert!(failing > 0 && failing < analysis.findings.len());
    assert_eq!(count("<failure "), failing);
    assert_eq!(count("<error "), 1);
    let skipped = analysis.findings.len() - failing + analysis.suppressed.len();
    assert_eq!(count("<skipped "), skipped);
    let told = format!(
        "tests=\"{}\" failures=\"{failing}\" errors=\"1\" skipped=\"{skipped}\"",
        count("<testcase ")
    );
    assert_eq!(count(&told), 2, "{told}");
    assert!(report.contains("pkg/src/a&amp;b&lt;&#39;&gt;.ts"));
    assert!(report.contains("&lt;only&gt; &quot;reads&quot;"));
    let clean = junit::render(&of(&[]), "");
    assert_eq!(clean.matches("<testcase ").count(), RULES.len());
    assert!(clean.contains("failures=\"0\" errors=\"0\" skipped=\"0\""));
}

#[test]
fn a_drawn_badge_says_what_the_other_says() {
    for analysis in [bad(), mixed()] {
        let badge = serde_json::to_value(badge::Badge::of(&analysis)).expect("JSON");
        let drawn = badge::svg(&analysis);
        let message = badge["message"].as_str().expect("a text");
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
        assert!(drawn.contains(&format!(">{message}</text>")), "{drawn}");
        assert!(!drawn.contains("http://") || drawn.matches("http").count() == 1);
    }
}

#[test]
fn gates_count_what_is_as_bad_or_worse() {
    let analysis = bad();
    let verdict = |texts: &[&str]| judge(&analysis, &gates(texts), Empty::Refused);
    assert_eq!(verdict(&[]), Verdict::Passed);
    for gate in ["high", "medium", "low", "grade=A"] {
        assert!(
            matches!(verdict(&[gate]), Verdict::Failed(_)),
            "{gate}: {:?}",
            verdict(&[gate])
        );
    }
    assert!("grade=b".parse::<Gate>().is_err());
    assert!("info".parse::<Gate>().is_err());
}

#[test]
fn findings_in_tests_reach_no_gate() {
    let mut analysis = bad();
    assert!(!analysis.findings.is_empty());
    for finding in &mut analysis.findings {
        finding.surface = Surface::Tests;
    }
    assert_eq!(
        judge(&analysis, &gates(&["low"]), Empty::Allowed),
        Verdict::Passed
    );
}

#[test]
fn nothing_analysed_has_no_grade() {
    for (files, empty) in [
        (&[][..], "nothing to analyse"),
        (
            &[("src/sum.ts", "export const one = 1;")][..],
            "no MCP server",
        ),
    ] {
        let analysis = of(files);
        assert!(analysis.score.is_none());
        let page = serde_json::to_value(json::Page::of(&analysis)).expect("JSON");
        assert_eq!(page["grade"], Value::Null);
        let badge = serde_json::to_value(badge::Badge::of(&analysis)).expect("JSON");
        assert_eq!(badge["message"], "no grade");
        let Verdict::Unknown(why) = judge(&analysis, &[], Empty::Refused) else {
            panic!("{files:?} was judged");
        };
        assert!(why.contains(empty), "{why}");
        assert_eq!(judge(&analysis, &[], Empty::Allowed), Verdict::Passed);
    }
}

#[test]
fn a_file_that_does_not_parse_leaves_no_grade() {
    let rule = find("LIFE-002").expect("the rule is there");
    let analysis = of(&[
        ("src/server.ts", rule.fixtures[0].good),
        ("src/broken.ts", "export function ( {"),
    ]);
    assert!(analysis.score.is_none());
    let Verdict::Unknown(why) = judge(&analysis, &gates(&["high"]), Empty::Allowed) else {
        panic!("a broken file was judged");
    };
    assert!(why.contains("src/broken.ts"), "{why}");
}

#[test]
fn what_a_comment_accepts_counts_for_nothing() {
    let rule = find("LIFE-002").expect("the rule is there");
    let fault = rule.fixtures[0].bad;
    let accepted = fault.replace("// FINDING", "// dropgate-ignore LIFE-002: only reads");
    let (open, accepted) = (
        of(&[("src/server.ts", fault)]),
        of(&[("src/server.ts", &accepted)]),
    );
    let ids = |analysis: &Analysis| -> Vec<String> {
        let found = analysis.findings.iter();
        found.map(|finding| finding.rule.to_string()).collect()
    };
    let points = |analysis: &Analysis| analysis.score.as_ref().map(|it| it.score);
    let mut left = ids(&accepted);
    left.push("LIFE-002".to_owned());
    left.sort();
    let mut all = ids(&open);
    all.sort();
    assert_eq!(left, all);
    let page = serde_json::to_value(json::Page::of(&accepted)).expect("JSON");
    assert_eq!(page["suppressed"][0]["rule"], "LIFE-002");
    assert_eq!(page["suppressed"][0]["suppression"]["kind"], "inline");
    assert_eq!(page["suppressed"][0]["suppression"]["reason"], "only reads");
    assert!(points(&accepted) > points(&open));
    let shown = text::render(&accepted, "", text::Colors::Plain);
    assert!(shown.contains("1 more are accepted by comments"), "{shown}");
}

#[test]
fn what_is_said_of_a_comment_can_not_be_ignored() {
    let text = "// dropgate-ignore-file useless-suppression: so\n// dropgate-ignore ERR-001: x\n";
    let analysis = of(&[("src/a.ts", text)]);
    let told: Vec<&str> = analysis.findings.iter().map(|it| &*it.message).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("findings of SUP-001 can't be ignored"),
        "{told:?}"
    );
    assert!(told[1].contains("nothing of ERR-001 is found"), "{told:?}");
}

#[test]
fn only_so_many_comments_are_obeyed() {
    let most = dropgate_analyzer::suppress::MAX_COMMENTS;
    let lines = |count: usize| "// dropgate-ignore ERR-001: none\n".repeat(count);
    let useless = |count: usize| {
        let found = of(&[("src/server.ts", &lines(count))]).findings;
        let told = found.iter().any(|it| it.message.contains("only the first"));
        (found.len(), told)
    };
    assert_eq!(useless(most), (most, false));
    assert_eq!(useless(most + 1), (most + 1, true));
}

#[test]
fn every_rule_is_explained_with_code() {
    for rule in RULES {
        let shown = explain::rule(rule);
        for fixture in rule.fixtures {
            assert!(shown.contains(fixture.bad.trim_end()), "{}", rule.id);
            assert!(shown.contains(fixture.good.trim_end()), "{}", rule.id);
        }
        assert!(explain::list().contains(rule.id));
    }
    assert_eq!(json::rules(&UserRules::default()).len(), RULES.len());
}

#[test]
fn the_page_of_rules_is_up_to_date() {
    up_to_date("rules.md", &explain::page());
}

/// Whether a page of the documentation is what would be written now.
fn up_to_date(name: &str, page: &str) {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let path = docs.join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|text| text == page),
        "docs/{name} is stale; renew it with UPDATE_SNAPSHOTS=1 cargo test -p dropgate-analyzer --test outputs"
    );
}
