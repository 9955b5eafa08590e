//! What findings cost: each weight, the share of each kind of code, the most of one rule, the cap and the letters.

#![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

use dropgate_analyzer::analysis::analyze_texts;
use dropgate_analyzer::facts::Name;
use dropgate_analyzer::finding::Confidence::{self, Likely, Proved, Unknown};
use dropgate_analyzer::finding::Finding;
use dropgate_analyzer::finding::Severity::{self, High, Info, Low, Medium};
use dropgate_analyzer::finding::Surface::{self, Install, Runtime, Tests};
use dropgate_analyzer::score::{Grade, score};

/// Of a rule, how bad, where, how sure.
type Cost = (&'static str, Severity, Surface, Confidence);

const SOURCE: &str = "import { McpServer } from \"@modelcontextprotocol/sdk/server/mcp.js\";
import { StdioServerTransport } from \"@modelcontextprotocol/sdk/server/stdio.js\";
const server = new McpServer({ name: \"notes\", version: \"1.0.0\" });
await server.connect(new StdioServerTransport());
";

/// A finding as the analysis makes it, of another kind.
fn findings(costs: &[Cost]) -> Vec<Finding> {
    let text = vec![(Name::from("src/index.ts"), SOURCE.to_owned())];
    let found = analyze_texts(text).expect("threads start").findings;
    let one = found.first().expect("nothing handles SIGTERM there");
    let make = |(rule, severity, surface, confidence): &Cost| {
        let mut finding = one.clone();
        finding.rule = (*rule).into();
        finding.severity = *severity;
        finding.surface = *surface;
        finding.confidence = *confidence;
        finding
    };
    costs.iter().map(make).collect()
}

/// What is left of security, reliability, credentials and documentation, and the score.
fn left(costs: &[Cost]) -> ([u32; 4], u32) {
    let score = score(&findings(costs));
    let axes = score.axes;
    let axes = [
        axes.security,
        axes.reliability,
        axes.credentials,
        axes.documentation,
    ];
    (axes, score.score)
}

#[test]
fn each_weight_is_taken_from_the_axes_of_its_rule() {
    let cases: &[(Cost, [u32; 4])] = &[
        (("LIFE-001", High, Runtime, Proved), [80, 80, 100, 100]),
        (("TIME-001", Medium, Runtime, Likely), [100, 90, 100, 100]),
        (("CRED-001", Low, Runtime, Proved), [100, 100, 96, 100]),
        (("DOC-001", Low, Runtime, Proved), [100, 100, 100, 96]),
        (("DEG-001", Info, Runtime, Proved), [100, 100, 100, 100]),
        (("TIME-001", Medium, Install, Proved), [100, 95, 100, 100]),
        (("LIFE-001", High, Tests, Proved), [100, 100, 100, 100]),
        (("LIFE-001", High, Runtime, Unknown), [100, 100, 100, 100]),
        (
            ("my-own-rule", Medium, Runtime, Proved),
            [100, 90, 100, 100],
        ),
    ];
    for (cost, axes) in cases {
        assert_eq!(left(&[*cost]).0, *axes, "{cost:?}");
    }
}

#[test]
fn one_rule_takes_no_more_than_its_two_worst() {
    let worst = ("LIFE-004", High, Runtime, Proved);
    let half = ("LIFE-004", High, Install, Proved);
    assert_eq!(left(&[half, worst, worst, half]).0, [100, 60, 100, 100]);
    assert_eq!(left(&[half, half, worst]).0, [100, 70, 100, 100]);
}

#[test]
fn the_lowest_axis_is_the_score_and_none_is_below_nought() {
    let rules = ["LIFE-001", "LIFE-002", "LIFE-004", "LIFE-005", "RES-001"];
    let costs: Vec<Cost> = rules
        .iter()
        .flat_map(|rule| [(*rule, High, Runtime, Proved); 2])
        .collect();
    assert_eq!(left(&costs), ([0, 0, 100, 100], 0));
    let cost = ("TIME-001", Medium, Runtime, Proved);
    assert_eq!(left(&[cost, cost]).1, 80);
}

#[test]
fn a_grave_finding_in_runtime_code_leaves_no_better_than_b() {
    let grave = ("LIFE-001", High, Runtime, Unknown);
    assert_eq!(left(&[grave]).1, 100, "what is unknown caps nothing");
    assert_eq!(left(&[("LIFE-001", High, Tests, Proved)]).1, 100);
    assert_eq!(left(&[("LIFE-001", High, Install, Proved)]).1, 90);
    assert_eq!(left(&[("LIFE-001", High, Runtime, Proved)]).1, 80);
}

#[test]
fn letters_begin_where_the_rubric_says() {
    let letters = [100, 90, 89, 80, 79, 70, 69, 60, 59, 0].map(Grade::of);
    let due = [
        Grade::A,
        Grade::A,
        Grade::B,
        Grade::B,
        Grade::C,
        Grade::C,
        Grade::D,
        Grade::D,
        Grade::F,
        Grade::F,
    ];
    assert_eq!(letters, due);
}
