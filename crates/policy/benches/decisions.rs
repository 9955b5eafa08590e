//! What a decision costs: `cargo bench -p dropgate-policy`.
//!
//! Prints the median of each row. The budget is 50 us with 1,000 policies loaded, and 5 us for a
//! small call where the local user may call everything.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints figures and has nobody to tell of errors"
)]

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use dropgate_gate::decision::Principal;
use dropgate_gate::pins::ToolPage;
use dropgate_policy::{
    Answer, CedarPolicies, Class, Mode, Moment, Policies, PolicyFile, Question, Subject, sha256,
};
use serde_json::{Value, json};

const TOOLS: usize = 50;
const ROUNDS: usize = 20;
const DECISIONS: usize = 1_000;
/// The row that is held to its budget.
const HELD: (usize, usize) = (1000, 10);
const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    println!("{:<44} {:>10} {:>10}", "", "p50", "p99");
    row("local-owner", &Policies::local_owner());
    for (all, global) in [(10, 2), (100, 5), (1000, 5), (1000, 10), (10_000, 10)] {
        let begun = Instant::now();
        let text = policies(all, global);
        let files = [PolicyFile {
            name: "p.cedar".to_owned(),
            text,
        }];
        let mut cedar = CedarPolicies::load("files", &files, DAY).unwrap();
        let loaded = begun.elapsed();
        let page = page();
        let begun = Instant::now();
        assert_eq!(cedar.learn(&page), []);
        let learnt = begun.elapsed();
        let name = format!("{all} policies, {global} of them for every tool");
        let medians = row(&name, &Policies::cedar(cedar));
        if (all, global) == HELD {
            println!("{name}, us by round: {medians:.2?}");
        }
        println!("  loaded in {loaded:.0?}, checked against {TOOLS} tools in {learnt:.0?}");
    }
}

/// Some policies for every tool, the others spread over the tools.
fn policies(all: usize, global: usize) -> String {
    let mut text = String::new();
    for n in 0..global {
        text.push_str(&match n % 2 {
            0 => format!(
                "forbid (principal, action in Action::\"tools/call\", resource)\n\
                 when {{ context.read_only && context.class == \"write\" && \
                 context.name != \"exception{n}\" }};\n"
            ),
            _ => format!("permit (principal == User::\"admin{n}\", action, resource);\n"),
        });
    }
    for n in global..all {
        let tool = n % TOOLS;
        text.push_str(&format!(
            "permit (principal, action == Action::\"tool{tool}\", resource)\n\
             when {{ context.args.path like \"/srv/{n}/*\" || context.args.path == \"/{n}\" }};\n"
        ));
    }
    text
}

fn page() -> ToolPage {
    let tools = (0..TOOLS).map(|n| {
        json!({"name": format!("tool{n}"), "description": "Does.", "inputSchema": {
            "type": "object",
            "required": ["path"],
            "properties": {
                "path": {"type": "string"},
                "head": {"type": "integer"},
                "options": {"type": "object", "properties": {"dry": {"type": "boolean"}}},
            },
        }})
    });
    let result = json!({"tools": tools.collect::<Vec<Value>>()}).to_string();
    ToolPage::read(result.as_bytes(), None, sha256).unwrap()
}

/// Prints a row, and gives the median of each round in microseconds.
fn row(name: &str, policies: &Policies) -> Vec<f64> {
    let principal = Principal::local();
    let question = Question {
        principal: &principal,
        subject: Subject::Tool("tool7"),
        class: Class::Write,
        mode: Mode::ReadWrite,
        arguments: Some(br#"{"path":"/srv/57/notes.txt","head":10,"options":{"dry":true}}"#),
        now: Moment {
            monotonic: Duration::from_secs(1),
            wall: SystemTime::now(),
        },
    };
    let mut rounds: Vec<Vec<Duration>> = (0..ROUNDS)
        .map(|_| (0..DECISIONS).map(|_| time(policies, &question)).collect())
        .collect();
    let mut all = rounds.concat();
    all.sort_unstable();
    let at = |share: usize| all[all.len() * share / 100];
    println!("{name:<44} {:>10.2?} {:>10.2?}", at(50), at(99));
    rounds.iter_mut().for_each(|round| round.sort_unstable());
    rounds
        .iter()
        .map(|round| round[DECISIONS / 2].as_secs_f64() * 1e6)
        .collect()
}

fn time(policies: &Policies, question: &Question<'_>) -> Duration {
    let begun = Instant::now();
    let answer = policies.decide(black_box(question));
    let took = begun.elapsed();
    assert!(matches!(answer, Answer::Now(_)));
    took
}
