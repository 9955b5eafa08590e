//! `cargo xtask tidy`: the rules of the house that a compiler does not know, also run by plain `cargo test`.

mod architecture;
mod links;
mod mask;
mod names;
mod parameters;
mod pins;
mod size;
mod source;
mod tokens;
mod tools;
mod unsafety;
mod walls;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use crate::failure::Failure;
use crate::workspace;
use source::Source;
use walls::Graph;

/// One rule: what it is called, why it is there, and how it is checked.
struct Check {
    name: &'static str,
    reason: &'static str,
    run: fn(&Checkout) -> Vec<Finding>,
}

/// Every rule. A new one is a row here, a module beside the others, and a bad sample in `tests.rs`.
const CHECKS: &[Check] = &[
    Check {
        name: "size",
        reason: "a file is read whole",
        run: size::check,
    },
    Check {
        name: "names",
        reason: "a name says what is inside",
        run: names::check,
    },
    Check {
        name: "unsafe",
        reason: "one folder holds all that the compiler can't prove",
        run: unsafety::check,
    },
    Check {
        name: "lints",
        reason: "one set of lints for every crate",
        run: unsafety::lints,
    },
    Check {
        name: "spawn",
        reason: "one crate owns processes",
        run: tokens::spawn,
    },
    Check {
        name: "stdout",
        reason: "a stray byte on stdout breaks the protocol",
        run: |checkout| tokens::STDOUT.check(checkout),
    },
    Check {
        name: "sleep",
        reason: "a test that sleeps is slow or wrong",
        run: |checkout| tokens::SLEEP.check(checkout),
    },
    Check {
        name: "ignore",
        reason: "a test that does not run proves nothing",
        run: |checkout| tokens::IGNORE.check(checkout),
    },
    Check {
        name: "unwrap",
        reason: "nothing panics on bad input",
        run: |checkout| tokens::UNWRAP.check(checkout),
    },
    Check {
        name: "platform",
        reason: "code for one system stands in one folder",
        run: |checkout| tokens::PLATFORM.check(checkout),
    },
    Check {
        name: "exit",
        reason: "only the binary ends the process",
        run: |checkout| tokens::EXIT.check(checkout),
    },
    Check {
        name: "unbounded",
        reason: "every queue has a limit",
        run: |checkout| tokens::UNBOUNDED.check(checkout),
    },
    Check {
        name: "bool-parameter",
        reason: "a call must be readable without its definition",
        run: parameters::check,
    },
    Check {
        name: "walls",
        reason: "dependencies point inward",
        run: walls::check,
    },
    Check {
        name: "pins",
        reason: "the same build everywhere",
        run: pins::check,
    },
    Check {
        name: "unfinished",
        reason: "what is here is finished",
        run: words::unfinished,
    },
    Check {
        name: "foreign",
        reason: "the project speaks of itself alone",
        run: words::foreign,
    },
    Check {
        name: "links",
        reason: "a document leads somewhere",
        run: links::resolve,
    },
    Check {
        name: "guarantees",
        reason: "each guarantee is proved by a test",
        run: links::guarantees,
    },
    Check {
        name: "architecture",
        reason: "the map matches the land",
        run: architecture::check,
    },
    Check {
        name: "fmt",
        reason: "one layout",
        run: |_| tools::fmt(),
    },
];

/// What the rules look at.
#[derive(Default)]
struct Checkout {
    sources: Vec<Source>,
    graph: Graph,
    /// Every file and folder below the root, text or not.
    paths: BTreeSet<String>,
}

impl Checkout {
    fn load() -> Result<Checkout, Failure> {
        let sources = source::load(workspace::root())?;
        Ok(Checkout {
            graph: Graph::load()?,
            ..Checkout::of(sources)
        })
    }

    fn of(sources: Vec<Source>) -> Checkout {
        let mut paths = BTreeSet::new();
        for source in &sources {
            let ends = source
                .path
                .match_indices('/')
                .map(|(at, _)| at)
                .chain([source.path.len()]);
            paths.extend(
                ends.filter_map(|end| source.path.get(..end))
                    .map(str::to_owned),
            );
        }
        Checkout {
            sources,
            graph: Graph::default(),
            paths,
        }
    }

    fn source(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    fn exists(&self, path: &str) -> bool {
        self.paths.contains(path.trim_end_matches('/'))
    }
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// 0 when it concerns the whole file.
    line: usize,
    text: String,
}

impl Finding {
    fn file(path: &str, text: impl Into<String>) -> Finding {
        Finding {
            path: path.to_owned(),
            line: 0,
            text: text.into(),
        }
    }

    fn line(path: &str, line: usize, text: impl Into<String>) -> Finding {
        Finding {
            path: path.to_owned(),
            line,
            text: text.into(),
        }
    }

    fn at(source: &Source, at: usize, text: impl Into<String>) -> Finding {
        Finding::line(&source.path, source.line(at), text)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.text),
            line => write!(out, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Runs every rule and clippy, and prints what breaks them.
///
/// # Errors
/// A rule is broken, or the checkout can't be read.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!(
            "`{argument}` is not a flag of tidy; it takes none"
        )));
    }
    let checkout = Checkout::load()?;
    let mut broken = broken(&checkout);
    if tools::installed("clippy") {
        broken.extend(
            tools::clippy()
                .into_iter()
                .map(|finding| format!("{finding} [clippy]")),
        );
    } else {
        eprintln!("skipped: clippy is not installed");
    }
    eprintln!(
        "median file: {} lines of code; longest:",
        size::median(&checkout)
    );
    for (lines, path) in size::longest(&checkout, 5) {
        eprintln!("  {lines:>4} {path}");
    }
    if broken.is_empty() {
        eprintln!("tidy: {} rules hold", CHECKS.len() + 1);
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} findings\n{}",
        broken.len(),
        broken.join("\n")
    )))
}

/// One line for every finding of every rule.
fn broken(checkout: &Checkout) -> Vec<String> {
    let mut lines = Vec::new();
    for check in CHECKS {
        let mut findings = (check.run)(checkout);
        findings.sort();
        lines.extend(
            findings
                .iter()
                .map(|finding| format!("{finding} [{}: {}]", check.name, check.reason)),
        );
    }
    lines
}
