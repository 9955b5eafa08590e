//! Slices against the whole: leaving policies out must not change an answer.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use cedar_policy::PolicySet;
use dropgate_gate::decision::Principal;
use proptest::prelude::*;
use serde_json::json;

use super::environment::{Check, Environment, resource};
use super::evaluate::{Evaluation, evaluate};
use super::load::{self, PolicyFile};
use super::request;
use super::shape;
use super::slices::Slices;
use super::vocabulary::Family;
use crate::Class;
use crate::question::{Mode, Moment, Question, Subject};

const SCHEMA: &str = r#"{
    "type": "object",
    "required": ["path", "n"],
    "properties": {"path": {"type": "string"}, "n": {"type": "integer"}}
}"#;

fn action() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("action".to_owned()),
        Just(r#"action in Action::"tools/call""#.to_owned()),
        Just(r#"action == Action::"resources/read""#.to_owned()),
        Just(r#"action in [Action::"resources/read", Action::"a"]"#.to_owned()),
        Just(r#"action in [Action::"tools/call", Action::"prompts/get"]"#.to_owned()),
        "[abc]".prop_map(|tool| format!("action == Action::\"{tool}\"")),
        "[abc]".prop_map(|tool| format!("action in [Action::\"{tool}\", Action::\"c\"]")),
    ]
}

fn thing() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("resource".to_owned()),
        1 => "(Tool|Resource|Prompt)".prop_map(|of| format!("resource is {of}")),
        1 => "(Tool|Resource)::\"[abc]\"".prop_map(|one| format!("resource == {one}")),
        1 => "Server::\"(here|there)\"".prop_map(|one| format!("resource in {one}")),
        1 => "(Tool|Resource)::\"[abc]\"".prop_map(|one| format!("resource in {one}")),
        1 => Just(r#"resource is Tool in Server::"here""#.to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just(r#"context.class == "read""#.to_owned()),
        Just("context.read_only".to_owned()),
        Just(r#"context.name like "a*""#.to_owned()),
        Just(r#"context has args && context.args.path like "/srv/*""#.to_owned()),
        // Overflows for most numbers, which is an evaluation error.
        Just("context has args && context.args.n + 9223372036854775800 > 0".to_owned()),
        Just("context.args.n > 3".to_owned()),
        Just(r#"principal == User::"mia""#.to_owned()),
    ]
}

fn policies() -> impl Strategy<Value = String> {
    let policy = ("(permit|forbid)", action(), thing(), condition());
    proptest::collection::vec(policy, 0..12).prop_map(|all| {
        let texts = all.into_iter().map(|(effect, action, thing, condition)| {
            format!("{effect} (principal, {action}, {thing}) when {{ {condition} }};\n")
        });
        texts.collect()
    })
}

/// The same question put to the slices and to the whole set.
fn both(text: &str, question: &Question<'_>) -> Option<(Evaluation, Evaluation, usize)> {
    let files = [PolicyFile {
        name: "p".to_owned(),
        text: text.to_owned(),
    }];
    let policies = load::parse(&files).unwrap();
    // Scopes that can never match are refused at load; they are not what this is about.
    let possible: Vec<_> = policies
        .into_iter()
        .filter(|placed| Slices::cut(std::slice::from_ref(placed), "here").is_ok())
        .collect();
    let slices = Slices::cut(&possible, "here").unwrap();
    let mentioned: HashSet<Box<str>> = ["a", "b", "c"].map(Box::from).into();
    let name = question.subject.name();
    let family = Family::of(question.subject);
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let arguments = shape::of_arguments(Some(&schema));
    let environment = match question.subject {
        Subject::Tool(_) => Environment::of_tool(name, "here", arguments, None, &mentioned),
        Subject::Resource(_) | Subject::Prompt(_) | Subject::Method(_) => {
            Environment::of_method(family, &mentioned)
        }
    };
    let environment = environment.unwrap();
    let arguments = question.arguments.map(serde_json::from_slice);
    let arguments = arguments.transpose().unwrap();
    let request = request::put(question, arguments.as_ref(), &environment).ok()?;
    let entities = match family {
        Family::Tools => environment.entities.clone(),
        Family::Resources | Family::Prompts | Family::Methods => {
            let thing = resource(family, name, "here").unwrap();
            environment
                .entities
                .clone()
                .add_entities(thing, None)
                .unwrap()
        }
    };
    let whole = possible.iter().map(|placed| placed.policy.clone());
    let whole = PolicySet::from_policies(whole).unwrap();
    let sliced = slices.of(family, name);
    let some: usize = slices
        .of(family, name)
        .map(|slice| slice.members.len())
        .sum();
    Some((
        evaluate(&request, sliced.map(|slice| &slice.set), &entities),
        evaluate(&request, std::iter::once(&whole), &entities),
        possible.len() - some,
    ))
}

fn question<'a>(
    subject: Subject<'a>,
    principal: &'a Principal,
    arguments: Option<&'a [u8]>,
) -> Question<'a> {
    Question {
        principal,
        subject,
        class: Class::Read,
        mode: Mode::ReadOnly,
        arguments,
        now: Moment {
            monotonic: Duration::ZERO,
            wall: SystemTime::UNIX_EPOCH,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Verdict, policies and errors are those of the whole set, whatever is asked.
    #[test]
    fn slices_answer_like_the_whole(
        text in policies(),
        name in "[abcd]",
        family in 0..4_u8,
        n in 0..9_i64,
        path in "(/srv/x|/etc/x)",
        who in "(mia|tom)",
    ) {
        let principal = Principal::named(&who).unwrap();
        let arguments = json!({"path": path, "n": n}).to_string();
        let (subject, arguments) = match family {
            0 => (Subject::Tool(&name), Some(arguments.as_bytes())),
            1 => (Subject::Resource(&name), None),
            2 => (Subject::Method(&name), None),
            _ => (Subject::Prompt(&name), None),
        };
        let asked = question(subject, &principal, arguments);
        let (sliced, whole, _left_out) = both(&text, &asked).unwrap();
        prop_assert_eq!(sliced, whole, "{}", text);
    }
}

#[test]
fn policies_of_other_tools_are_left_out() {
    let text = r#"
        permit (principal, action == Action::"a", resource);
        permit (principal, action == Action::"b", resource);
        permit (principal, action, resource == Tool::"c");
        permit (principal, action == Action::"resources/read", resource);
        permit (principal, action, resource in Server::"there");
        forbid (principal, action, resource) when { context.read_only };
    "#;
    let principal = Principal::local();
    let arguments = br#"{"path":"","n":1}"#;
    let asked = question(Subject::Tool("a"), &principal, Some(arguments));
    let (sliced, whole, left_out) = both(text, &asked).unwrap();
    assert_eq!(sliced, whole);
    assert_eq!(left_out, 4);
}

#[test]
fn a_check_of_everything_knows_the_types_of_arguments() {
    let mentioned = HashSet::new();
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let arguments = shape::of_arguments(Some(&schema));
    let environment = Environment::of_tool("a", "here", arguments, None, &mentioned).unwrap();
    let rows = [
        (r#"context.args.path like "/etc/*""#, 0, 0),
        ("context.args.n > 3", 0, 0),
        ("context.args.path > 3", 1, 0),
        ("context.args.pth == \"\"", 1, 0),
        ("context.clas == \"read\"", 1, 1),
    ];
    for (condition, whole, without) in rows {
        let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
        let name = "p".to_owned();
        let policies = load::parse(&[PolicyFile { name, text }]).unwrap();
        let slices = Slices::cut(&policies, "here").unwrap();
        for (check, expected) in [(Check::Whole, whole), (Check::WithoutArguments, without)] {
            let slices = slices.of(Family::Tools, "a");
            let found = environment.check(slices, &policies, check, "a tool");
            assert_eq!(found.len(), expected, "{condition}: {found:?}");
        }
    }
}

#[test]
fn no_text_overflows_the_stack() {
    let conditions = [
        ("(", "true", ")"),
        ("[", "true", "]"),
        ("if true then ", "true", " else false"),
        ("", "true", " || true"),
        ("", "context", ".a"),
        ("", "1", " + 1"),
        ("!", "true", ""),
        ("-", "1", ""),
    ];
    for (before, middle, after) in conditions {
        for levels in [30, 31, 32, 33, 200, 256, 257, 20_000] {
            let text = format!(
                "permit(principal, action, resource) when {{ {}{middle}{} }};",
                before.repeat(levels),
                after.repeat(levels)
            );
            let file = PolicyFile {
                name: "deep.cedar".to_owned(),
                text,
            };
            // As large as the stack of a process's first thread usually is.
            let parsed = std::thread::Builder::new()
                .stack_size(8 << 20)
                .spawn(move || super::load::parse(&[file]).map(|all| all.len()))
                .unwrap()
                .join();
            // Taken or refused, but judged.
            assert!(parsed.is_ok(), "{before} x {levels}");
        }
    }
}
