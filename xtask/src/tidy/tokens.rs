//! Rules of the form "these words may stand only there".

use super::source::{Source, item_end};
use super::{Checkout, Finding};

/// Words of code with the places that may hold them.
pub(super) struct Rule {
    words: &'static [&'static str],
    /// Where the rule applies; an empty prefix is everywhere.
    under: &'static [&'static str],
    /// Files and folders under `under` that may hold the words.
    except: &'static [&'static str],
    part: Part,
    instead: &'static str,
}

/// Which code a rule looks at.
#[derive(Clone, Copy)]
enum Part {
    Production,
    Tests,
    Both,
}

/// The two modules that own stdout: the stream to the host, and the text and JSON of every other verb.
pub(super) const STDOUT_OWNERS: &[&str] = &[
    "crates/relay/src/downstream/stdio.rs",
    "crates/dropgate/src/output.rs",
];

/// Programs that are servers under test: their stdout is a server's, their processes and delays are the misbehaviour itself.
const SERVERS: &[&str] = &["testing/servers/", "crates/probe/src/servers/"];

/// Sources that are read and never run: what a rule of the analyser is about.
const FIXTURES: &str = "crates/analyzer/tests/fixtures/";

const SPAWN: Rule = Rule {
    words: &["process::Command", "process::Child", "CommandExt"],
    under: &["crates/"],
    except: &["crates/process/", SERVERS[1]],
    part: Part::Production,
    instead: "start processes through dropgate-process, which owns them",
};

pub(super) const STDOUT: Rule = Rule {
    words: &[
        "println!",
        "print!",
        "io::stdout",
        "stdio::stdout",
        "STDOUT_FILENO",
    ],
    under: &["crates/", "xtask/"],
    except: &[STDOUT_OWNERS[0], STDOUT_OWNERS[1], SERVERS[1]],
    part: Part::Production,
    instead: "write to stderr, or hand the text to a module of STDOUT_OWNERS in xtask/src/tidy/tokens.rs",
};

pub(super) const SLEEP: Rule = Rule {
    words: &["sleep", "sleep_until", "nanosleep", "sleep_ms"],
    under: &[""],
    except: &[SERVERS[0], SERVERS[1], FIXTURES],
    part: Part::Tests,
    instead: "wait for the event itself (a line, a pidfd, an end of file), with a bound",
};

pub(super) const IGNORE: Rule = Rule {
    words: &["#[ignore"],
    under: &[""],
    except: &[],
    part: Part::Both,
    instead: "run the test, or remove it; a test that lacks a counterpart prints `skipped: …`",
};

pub(super) const UNWRAP: Rule = Rule {
    words: &[
        ".unwrap()",
        ".expect(",
        ".unwrap_err()",
        ".expect_err(",
        "unwrap_unchecked",
        "panic!",
        "unreachable!",
    ],
    under: &["crates/", "xtask/", "testing/servers/"],
    except: &[],
    part: Part::Production,
    instead: "return an error that says what, where and what to do",
};

pub(super) const PLATFORM: Rule = Rule {
    words: &["target_os", "target_family", "cfg(unix)", "cfg(windows)"],
    under: &["crates/", "xtask/", "testing/"],
    except: &["crates/process/src/sys/"],
    part: Part::Both,
    instead: "put what differs between systems behind a function of crates/process/src/sys",
};

pub(super) const EXIT: Rule = Rule {
    words: &["process::exit", "process::abort", "_exit"],
    under: &["crates/", "xtask/"],
    except: &["crates/dropgate/src/", "crates/process/src/", SERVERS[1]],
    part: Part::Production,
    instead: "return to the binary; only it ends the process",
};

pub(super) const UNBOUNDED: Rule = Rule {
    words: &[
        "unbounded_channel",
        "UnboundedSender",
        "UnboundedReceiver",
        "unbounded",
    ],
    under: &["crates/"],
    except: &[],
    part: Part::Production,
    instead: "give the queue a limit and a test at the limit",
};

/// Processes are started in one crate, however the type is imported.
pub(super) fn spawn(checkout: &Checkout) -> Vec<Finding> {
    let mut findings = SPAWN.check(checkout);
    for source in checkout
        .sources
        .iter()
        .filter(|source| SPAWN.applies(source))
    {
        let imports = source.find("process::{").filter(|at| !source.is_test(*at));
        let of_command = imports.filter(|at| {
            let list = source
                .code
                .get(*at..item_end(&source.code, *at))
                .unwrap_or_default();
            list.split(|c: char| !c.is_alphanumeric())
                .any(|word| matches!(word, "Command" | "Child"))
        });
        findings.extend(of_command.map(|at| {
            Finding::at(
                source,
                at,
                format!("an import of `Command`: {}", SPAWN.instead),
            )
        }));
    }
    findings
}

impl Rule {
    pub(super) fn check(&self, checkout: &Checkout) -> Vec<Finding> {
        checkout
            .sources
            .iter()
            .filter(|source| self.applies(source))
            .flat_map(|source| self.in_source(source))
            .collect()
    }

    fn applies(&self, source: &Source) -> bool {
        let at = |prefixes: &[&str]| {
            prefixes
                .iter()
                .any(|prefix| source.path.starts_with(prefix))
        };
        source.is_rust() && at(self.under) && !at(self.except)
    }

    fn in_source(&self, source: &Source) -> Vec<Finding> {
        let mut findings = Vec::new();
        for word in self.words {
            for at in source.find(word).filter(|at| self.part.covers(source, *at)) {
                findings.push(Finding::at(
                    source,
                    at,
                    format!("`{word}`: {}", self.instead),
                ));
            }
        }
        findings
    }
}

impl Part {
    fn covers(self, source: &Source, at: usize) -> bool {
        match self {
            Part::Production => !source.is_test(at),
            Part::Tests => source.is_test(at),
            Part::Both => true,
        }
    }
}
