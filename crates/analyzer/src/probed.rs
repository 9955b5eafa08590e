//! What a run of the server says of findings: some it confirms, some it refutes, of most it says nothing.

use std::collections::HashMap;

use serde::Serialize;

use crate::analysis::Analysis;
use crate::finding::{Finding, Followed, Ground, Severity};
use crate::rules;
use crate::suppress::{Suppressed, Suppression};

/// The exit code of a shell for a process that SIGTERM ended by its default action.
const ENDED_BY_SIGTERM: i32 = 143;

/// One run that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What ended it.
    pub by: By,
    /// What it was doing.
    pub load: Load,
    /// What became of the program itself.
    pub end: End,
    /// Whether others of its processes were alive when it had gone and a bound had passed.
    pub children: Children,
    /// Lines on stdout that are no message.
    pub stray_lines: u64,
    /// Signs of a stack in what reached the caller.
    pub stacks: Vec<String>,
}

/// What ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// SIGTERM.
    Sigterm,
    /// The end of its stdin.
    EndOfInput,
}

/// What a run was doing when it was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Nothing.
    Idle,
    /// A call was in flight, and was answered or not.
    Call(Answer),
}

/// Whether a call was answered after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was.
    Given,
    /// It was not.
    Lost,
}

/// What became of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was there still when the bound had passed.
    Stayed,
    /// It exited with this code, as a shell tells it.
    Exited(i32),
}

/// Other processes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// None was left.
    Gone,
    /// Some were.
    Left,
}

/// Whose exit codes a run tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The server's own.
    Server,
    /// Those of a launcher, such as npx: its code says nothing of the server's.
    Launcher,
}

/// What a run said of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "because")]
pub enum Word {
    /// It is so.
    Confirmed(String),
    /// It is not so.
    Refuted(String),
}

/// Settles what runs can settle: what is confirmed becomes proved, what is refuted counts no more. The score is made anew.
///
/// With several servers in the analysis a run is of one of them, and refutes nothing. Nor does it tell which of several
/// servers or places wrote the line, showed the stack or left the child that it saw: then only the sole finding of a rule is confirmed.
pub fn settle(analysis: &mut Analysis, runs: &[Run], started: Started) -> Settled {
    let mut settled = Settled::default();
    let several = analysis.analysed.servers != 1;
    let mut counts: HashMap<String, usize> = HashMap::new();
    for finding in &analysis.findings {
        *counts.entry(finding.rule.to_string()).or_default() += 1;
    }
    let is_one_of_many = |rule: &str| counts.get(rule).is_some_and(|count| *count > 1);
    for mut finding in std::mem::take(&mut analysis.findings) {
        match word(&finding.rule, runs, started) {
            Some(Word::Refuted(_)) if several => analysis.findings.push(finding),
            Some(Word::Confirmed(_))
                if is_one_of_many(&finding.rule) && (several || is_of_place(&finding.rule)) =>
            {
                analysis.findings.push(finding);
            }
            Some(Word::Refuted(because)) => {
                settled.refuted += 1;
                analysis.suppressed.push(Suppressed {
                    finding,
                    suppression: Suppression::Refuted { because },
                });
            }
            Some(confirmed @ Word::Confirmed(_)) => {
                settled.confirmed += 1;
                raise(&mut finding);
                finding.probe = Some(confirmed);
                analysis.findings.push(finding);
            }
            None => analysis.findings.push(finding),
        }
    }
    analysis.sort();
    analysis.rescore();
    settled
}

/// How many findings were settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// That are so.
    pub confirmed: usize,
    /// That are not so.
    pub refuted: usize,
}

/// Whether a rule tells of places of which each may cause alone what a run shows; others tell of the server as a whole.
fn is_of_place(rule: &str) -> bool {
    matches!(
        rule,
        "IO-001" | "ERR-001" | "LIFE-002" | "LIFE-004" | "LIFE-005" | "LIFE-011"
    )
}

fn raise(finding: &mut Finding) {
    finding.rest_on(Ground::Proved(Followed::Run));
    finding.blocked_by = None;
    if finding.severity == Severity::Info
        && let Some(rule) = rules::find(&finding.rule)
    {
        finding.severity = rule.severity;
    }
}

/// What the runs say of a rule's findings.
fn word(rule: &str, runs: &[Run], started: Started) -> Option<Word> {
    let at = |by: By| runs.iter().filter(move |run| run.by == by);
    let idle = |by: By| at(by).find(|run| run.load == Load::Idle);
    match rule {
        "LIFE-001" | "LIFE-003" => match (idle(By::Sigterm)?.end, started) {
            (End::Exited(ENDED_BY_SIGTERM), Started::Server) => Some(Word::Confirmed(
                "SIGTERM ended the idle server by its default action".to_owned(),
            )),
            (End::Exited(code), Started::Server) => Some(Word::Refuted(format!(
                "at SIGTERM the idle server exited by itself, with code {code}"
            ))),
            (End::Exited(_), Started::Launcher) | (End::Stayed, _) => None,
        },
        "LIFE-005" => match (idle(By::Sigterm)?.end, started) {
            (End::Stayed, _) => Some(Word::Confirmed(
                "the idle server was there still after SIGTERM".to_owned(),
            )),
            (End::Exited(code), Started::Server) => Some(Word::Refuted(format!(
                "SIGTERM ended the idle server, with code {code}"
            ))),
            (End::Exited(_), Started::Launcher) => None,
        },
        "LIFE-002" => at(By::Sigterm).find_map(|run| match run.load {
            Load::Idle => None,
            Load::Call(Answer::Lost) => Some(Word::Confirmed(
                "a call that was in flight at SIGTERM was not answered".to_owned(),
            )),
            Load::Call(Answer::Given) => Some(Word::Refuted(
                "a call that was in flight at SIGTERM was answered".to_owned(),
            )),
        }),
        // What keeps a server alive may be opened by a call only: an idle one that ends says nothing.
        "LIFE-004" => {
            let mut ends = at(By::EndOfInput);
            if ends.clone().any(|run| run.end == End::Stayed) {
                Some(Word::Confirmed(
                    "the server was there still after the end of its input".to_owned(),
                ))
            } else {
                ends.find(|run| run.load != Load::Idle).map(|_| {
                    Word::Refuted(
                        "at the end of its input the server ended, with a call in flight"
                            .to_owned(),
                    )
                })
            }
        }
        "LIFE-011" => runs
            .iter()
            .any(|run| run.children == Children::Left)
            .then(|| Word::Confirmed("processes of the server's were left".to_owned())),
        "IO-001" => runs
            .iter()
            .map(|run| run.stray_lines)
            .max()
            .filter(|lines| *lines > 0)
            .map(|lines| Word::Confirmed(format!("{lines} lines on stdout were no messages"))),
        "ERR-001" => runs
            .iter()
            .flat_map(|run| &run.stacks)
            .next()
            .map(|sign| Word::Confirmed(format!("the caller was told {sign}"))),
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "a test says what it needs by failing")]

    use super::*;
    use crate::analysis::analyze_texts;
    use crate::facts::Name;

    fn run(by: By, load: Load, end: End) -> Run {
        Run {
            by,
            load,
            end,
            children: Children::Gone,
            stray_lines: 0,
            stacks: Vec::new(),
        }
    }

    fn is_confirmed(rule: &str, runs: &[Run], started: Started) -> Option<bool> {
        word(rule, runs, started).map(|word| matches!(word, Word::Confirmed(_)))
    }

    /// Servers that write and leave as many lines as there are.
    fn loud(files: usize, lines: usize) -> Analysis {
        let text = format!(
            "import {{ McpServer }} from '@modelcontextprotocol/sdk/server/mcp.js';\nimport {{ StdioServerTransport }} from '@modelcontextprotocol/sdk/server/stdio.js';\nconst server = new McpServer({{ name: 'one', version: '1' }});\n{}await server.connect(new StdioServerTransport());\n",
            "console.log('up');\n".repeat(lines)
        );
        let texts = (0..files).map(|file| (Name::from(format!("{file}/a.ts")), text.clone()));
        analyze_texts(texts.collect()).expect("threads start")
    }

    fn confirmed(analysis: &Analysis, rule: &str) -> usize {
        let of_rule = analysis.findings.iter().filter(|one| *one.rule == *rule);
        of_rule.filter(|one| one.probe.is_some()).count()
    }

    #[test]
    fn what_one_of_several_places_did_confirms_none_of_them() {
        let died = run(By::Sigterm, Load::Idle, End::Exited(143));
        let loud_run = [Run {
            stray_lines: 1,
            ..died
        }];
        for (files, lines, of_place, of_server) in
            [(1, 1, 1, 1), (1, 2, 0, 1), (2, 1, 0, 0), (2, 2, 0, 0)]
        {
            let mut analysis = loud(files, lines);
            settle(&mut analysis, &loud_run, Started::Server);
            let told = (
                confirmed(&analysis, "IO-001"),
                confirmed(&analysis, "LIFE-001"),
            );
            assert_eq!(told, (of_place, of_server), "{files} {lines}");
        }
    }

    #[test]
    fn a_run_says_what_it_shows_and_no_more() {
        use By::{EndOfInput, Sigterm};
        use Load::{Call, Idle};
        use Started::{Launcher, Server};
        let died = run(Sigterm, Idle, End::Exited(143));
        let left = run(Sigterm, Idle, End::Exited(0));
        let stayed = run(Sigterm, Idle, End::Stayed);
        let rows: &[(&str, &Run, Started, Option<bool>)] = &[
            ("LIFE-001", &died, Server, Some(true)),
            ("LIFE-001", &left, Server, Some(false)),
            ("LIFE-001", &stayed, Server, None),
            ("LIFE-001", &died, Launcher, None),
            ("LIFE-005", &stayed, Launcher, Some(true)),
            ("LIFE-005", &left, Server, Some(false)),
            ("LIFE-005", &left, Launcher, None),
            ("LIFE-004", &stayed, Server, None),
            (
                "LIFE-004",
                &run(EndOfInput, Idle, End::Stayed),
                Server,
                Some(true),
            ),
            (
                "LIFE-004",
                &run(EndOfInput, Idle, End::Exited(0)),
                Server,
                None,
            ),
            (
                "LIFE-004",
                &run(EndOfInput, Call(Answer::Lost), End::Exited(0)),
                Server,
                Some(false),
            ),
            (
                "LIFE-002",
                &run(Sigterm, Call(Answer::Lost), End::Exited(0)),
                Server,
                Some(true),
            ),
            (
                "LIFE-002",
                &run(Sigterm, Call(Answer::Given), End::Exited(0)),
                Server,
                Some(false),
            ),
            ("LIFE-002", &left, Server, None),
            (
                "IO-001",
                &Run {
                    stray_lines: 2,
                    ..left.clone()
                },
                Server,
                Some(true),
            ),
            ("IO-001", &left, Server, None),
            (
                "LIFE-011",
                &Run {
                    children: Children::Left,
                    ..left.clone()
                },
                Server,
                Some(true),
            ),
            (
                "ERR-001",
                &Run {
                    stacks: vec!["a stack".to_owned()],
                    ..left.clone()
                },
                Server,
                Some(true),
            ),
            ("ERR-001", &left, Server, None),
            ("RES-001", &stayed, Server, None),
        ];
        for (rule, run, started, said) in rows {
            let told = is_confirmed(rule, std::slice::from_ref(*run), *started);
            assert_eq!(told, *said, "{rule} {run:?}");
        }
    }
}
