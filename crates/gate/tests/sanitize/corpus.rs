//! Shapes of errors that real programs send: what has to be gone is gone, what helps a caller is still there.

use std::fmt::Write as _;

use dropgate_gate::sanitize::{Asked, Forward, Profile, Sanitizer, StderrFilter, Verdict};
use dropgate_wire::{Direction, Envelope, Limits, scan};
use serde_json::{Value, json};

use crate::support::{always, judge, sanitizer};

const FILES: &[(&str, &str)] = &[
    ("node", include_str!("corpus/node.txt")),
    ("python", include_str!("corpus/python.txt")),
    ("jvm, .net", include_str!("corpus/jvm-dotnet.txt")),
    ("others", include_str!("corpus/native.txt")),
];

/// Least cases, and least share of the fields of validation messages that survive, in percent.
const LEAST_CASES: usize = 60;
const LEAST_FIELDS: usize = 95;

#[derive(Clone, Debug, Default)]
struct Case {
    name: String,
    channel: String,
    gone: Vec<String>,
    secret: Vec<String>,
    strict: Vec<String>,
    keep: Vec<String>,
    field: Vec<String>,
    text: String,
}

fn cases(file: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut in_text = false;
    for line in file.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case {
                name: name.to_owned(),
                ..Case::default()
            });
            in_text = false;
            continue;
        }
        let Some(case) = cases.last_mut() else {
            panic!("text before the first case: {line}");
        };
        if in_text {
            case.text.push_str(line);
            case.text.push('\n');
        } else if line == "---" {
            in_text = true;
        } else {
            let Some((key, value)) = line.split_once(": ") else {
                panic!("{}: not `key: value`: {line}", case.name);
            };
            let value = value.to_owned();
            match key {
                "channel" => case.channel = value,
                "gone" => case.gone.push(value),
                "secret" => case.secret.push(value),
                "strict" => case.strict.push(value),
                "keep" => case.keep.push(value),
                "field" => case.field.push(value),
                _ => panic!("{}: unknown key {key}", case.name),
            }
        }
    }
    for case in &mut cases {
        case.text.truncate(case.text.trim_end().len());
        for piece in case
            .gone
            .iter()
            .chain(&case.secret)
            .chain(&case.keep)
            .chain(&case.field)
        {
            assert!(
                case.text.contains(piece),
                "{}: {piece} is not in the text",
                case.name
            );
        }
    }
    cases
}

type Wrap = fn(&str) -> String;

/// How a text may have been wrapped on its way.
const MUTATIONS: &[(&str, Wrap)] = &[
    ("as it is", str::to_owned),
    ("CRLF", |text| text.replace('\n', "\r\n")),
    ("in JSON", |text| {
        json!({"ok": false, "error": text}).to_string()
    }),
    ("in JSON twice", |text| {
        json!({"body": json!({"error": text}).to_string()}).to_string()
    }),
    ("embedded", |text| {
        format!(
            "The request could not be completed. Details follow below.\n\n{text}\n\nPlease check the arguments and call again; see the help of the tool."
        )
    }),
    ("twice", |text| format!("{text}\n{text}")),
    ("quoted", |text| {
        format!("Tool failed: '{}'", text.replace('\n', "\\n"))
    }),
];

/// The text that leaves over a channel.
fn leaving(sanitizer: &Sanitizer, channel: &str, text: &str) -> String {
    let (line, pointer) = match channel.split_once(' ') {
        Some(("rpc", code)) => {
            let code: i64 = code.parse().unwrap_or_default();
            (
                json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": text, "data": {"stack": text}}}),
                "/error/message",
            )
        }
        _ => match channel {
            "isError" => (
                json!({"jsonrpc": "2.0", "id": 1, "result": {"isError": true, "content": [{"type": "text", "text": text}]}}),
                "/result/content/0/text",
            ),
            "log" => (
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": {"msg": text}}}),
                "/params/data/msg",
            ),
            "progress" => (
                json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1, "message": text}}),
                "/params/message",
            ),
            "stderr" => return stderr(sanitizer, text),
            _ => panic!("unknown channel {channel}"),
        },
    };
    let line = line.to_string();
    let verdict = if line.contains("\"method\"") {
        let scanned = scan(line.as_bytes(), &Limits::default(), Direction::FromServer);
        let Ok(Envelope::Notification(notification)) = scanned else {
            panic!("{line}");
        };
        sanitizer.notification(line.as_bytes(), &notification, &always)
    } else {
        judge(sanitizer, &line, Asked::ToolCall)
    };
    let line = match verdict {
        Verdict::Clean => line.into_bytes(),
        Verdict::Replaced(replacement) => replacement.into_line(),
        Verdict::Withheld(fault) => panic!("{fault:?}"),
    };
    let value: Value = match serde_json::from_slice(&line) {
        Ok(value) => value,
        Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&line)),
    };
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn stderr(sanitizer: &Sanitizer, text: &str) -> String {
    let mut filter = StderrFilter::new();
    let mut out = String::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match filter.line(sanitizer, line.as_bytes(), &always) {
            Forward::Clean => out.push_str(line),
            Forward::Replaced(bytes) => out.push_str(&String::from_utf8_lossy(&bytes)),
            Forward::Dropped => continue,
        }
        out.push('\n');
    }
    out
}

/// Whether a piece stands in the text, plain or escaped once or twice.
fn contains(text: &str, piece: &str) -> bool {
    let once = json!(piece).to_string();
    let once = &once[1..once.len() - 1];
    let twice = json!(once).to_string();
    text.contains(piece) || text.contains(once) || text.contains(&twice[1..twice.len() - 1])
}

fn must_go(case: &Case, profile: Profile) -> Vec<&String> {
    let mut pieces: Vec<&String> = case.secret.iter().collect();
    match profile {
        Profile::Standard if case.channel == "stderr" => {}
        Profile::Standard => pieces.extend(&case.gone),
        Profile::Strict => pieces.extend(case.gone.iter().chain(&case.strict)),
    }
    pieces
}

#[test]
fn nothing_leaks_and_validation_messages_stay_useful() {
    let mut table = String::from("file       cases  texts  leaks  fields kept\n");
    let mut problems = String::new();
    let (mut all_cases, mut all_fields, mut all_kept, mut leaks) = (0, 0, 0, 0);
    for (file, text) in FILES {
        let cases = cases(text);
        let (mut texts, mut fields, mut kept, mut leaked) = (0, 0, 0, 0);
        for case in &cases {
            for profile in [Profile::Standard, Profile::Strict] {
                let sanitizer = sanitizer(profile, &[]);
                for (mutation, change) in MUTATIONS {
                    let out = leaving(&sanitizer, &case.channel, &change(&case.text));
                    texts += 1;
                    for piece in must_go(case, profile) {
                        if contains(&out, piece) {
                            leaked += 1;
                            let _ = writeln!(
                                problems,
                                "LEAK {} ({mutation}, {profile:?}): {piece}\n{out}\n",
                                case.name
                            );
                        }
                    }
                    let lost = |piece: &&String| !contains(&out, piece);
                    if *mutation == "as it is"
                        || *mutation == "CRLF"
                        || *mutation == "twice"
                        || *mutation == "embedded"
                    {
                        for piece in case.keep.iter().filter(lost) {
                            leaked += 1;
                            let _ = writeln!(
                                problems,
                                "LOST {} ({mutation}, {profile:?}): {piece}\n{out}\n",
                                case.name
                            );
                        }
                    }
                    for piece in &case.field {
                        fields += 1;
                        if lost(&piece) {
                            let _ = writeln!(
                                problems,
                                "FIELD {} ({mutation}, {profile:?}): {piece}\n{out}\n",
                                case.name
                            );
                        } else {
                            kept += 1;
                        }
                    }
                }
            }
        }
        let _ = writeln!(
            table,
            "{file:9} {:>6} {texts:>6} {leaked:>6} {kept:>6} of {fields}",
            cases.len()
        );
        all_cases += cases.len();
        all_fields += fields;
        all_kept += kept;
        leaks += leaked;
    }
    println!("{table}\n{problems}");
    assert!(all_cases >= LEAST_CASES, "{all_cases} cases");
    assert_eq!(leaks, 0, "\n{problems}{table}");
    assert!(
        all_kept * 100 >= all_fields * LEAST_FIELDS,
        "\n{problems}{table}"
    );
}
