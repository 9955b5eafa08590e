//! A buffer of records that the shutdown forgets.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::words;

use super::{batches, channels, client};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUD-001",
    name: "audit-buffer-unflushed",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[778, 404],
    summary: "Audit records are collected in memory and not written when the server is asked to stop.",
    why: "The last records before a stop are the ones that an investigation asks for.",
    fix: "Await the flush in the shutdown, before the exit; or write each record when it is made.",
    fixtures: fixtures!("AUD-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    client::look(project, report);
    let mut done: BTreeSet<(u32, String)> = BTreeSet::new();
    let mut known: BTreeMap<(u32, String), Vec<FnRef>> = BTreeMap::new();
    for site in project.sites() {
        if !matches!(
            site.name(),
            "push" | "append" | "enqueue" | "push_back" | "put" | "put_nowait" | "send"
        ) {
            continue;
        }
        let is_sent = site.name() == "send";
        if is_sent && !channels::is_buffered(project, site) {
            continue;
        }
        // Go's `append` is a function of the list.
        let Some(object) = site.call.receiver().or_else(|| site.call.arg(0)) else {
            continue;
        };
        let Some(name) = batches::kept_name(project, site.at, object) else {
            continue;
        };
        let key = (site.at.file, name.clone());
        if done.contains(&key) {
            continue;
        }
        let named = is_buffer(&name)
            || project.hints.is_audit(&name)
            || (!is_sent && holds_some(&name) && is_recorder(project, site));
        if is_sent && (!is_of_audit(&name) || channels::is_closed(project, site.at.file, &name)) {
            continue;
        }
        if !named && !batches::is_put_by_calls(project, site) {
            continue;
        }
        let drains = known
            .entry(key.clone())
            .or_insert_with(|| drains(project, site.at.file, &name))
            .clone();
        if !named && !batches::are_written_later(project, site.at, &name, &drains) {
            continue;
        }
        if drains.is_empty()
            || drains
                .iter()
                .any(|at| project.stopping().contains(at) || runs_at_stop(project, *at))
            || is_awaited_at_stop(project, site.at.file, &name)
        {
            continue;
        }
        done.insert(key);
        let message = format!(
            "`{name}` collects records in memory, and what drains it does not run when the server is asked to stop"
        );
        let finding = report.add(
            At {
                function: site.at,
                span: site.span,
            },
            Ground::Likely(Trusted::Name),
            message,
        );
        if !named {
            finding.weigh(Severity::Medium).trusts(Trusted::Purpose);
        }
        for at in drains {
            if let Some(function) = project.function(at) {
                finding.via(
                    project,
                    At {
                        function: at,
                        span: function.span,
                    },
                    "drained here",
                );
            }
        }
    }
}

/// Whether a channel is one of audit records: others carry events inside of the program.
fn is_of_audit(name: &str) -> bool {
    let words = words::words(name);
    words
        .iter()
        .any(|word| matches!(word.as_str(), "audit" | "audits"))
}

fn runs_at_stop(project: &Project<'_>, at: FnRef) -> bool {
    project.callers(at).iter().any(|id| {
        project
            .site(*id)
            .is_some_and(|site| project.runs_at_stop(site))
    })
}

/// `queue.join()`: whoever takes from it has taken all.
fn is_awaited_at_stop(project: &Project<'_>, file: u32, name: &str) -> bool {
    project.sites_in(file).iter().any(|site| {
        site.name() == "join"
            && project.runs_at_stop(site)
            && project.receiver_name(site).as_deref() == Some(name)
    })
}

/// Names that say that something is kept, and not what.
fn holds_some(name: &str) -> bool {
    matches!(
        name.to_lowercase().trim_start_matches('_'),
        "buffer" | "queue" | "batch" | "pending" | "backlog" | "entries" | "events" | "records"
    )
}

/// Whether a call stands in a class that records what happens.
fn is_recorder(project: &Project<'_>, site: &Site<'_>) -> bool {
    let class = project
        .class_of(site.at)
        .and_then(|class| project.class(class));
    class.is_some_and(|class| {
        words::words(&class.name).iter().any(|word| {
            matches!(
                word.as_str(),
                "audit" | "auditor" | "telemetry" | "analytics" | "metrics" | "logger" | "recorder"
            )
        })
    })
}

/// Names of buffers of records.
fn is_buffer(name: &str) -> bool {
    let words = words::words(name);
    let records = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "audit"
                | "log"
                | "logs"
                | "event"
                | "events"
                | "record"
                | "records"
                | "telemetry"
                | "metrics"
                | "analytics"
                | "entries"
        )
    });
    let buffer = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "buffer"
                | "queue"
                | "batch"
                | "pending"
                | "buf"
                | "backlog"
                | "entries"
                | "events"
                | "records"
                | "log"
        )
    });
    let audit = words.iter().any(|word| word == "audit");
    (records && buffer && words.len() > 1) || audit
}

/// The functions that empty it: set it to an empty list, take all of it, or clear it.
fn drains(project: &Project<'_>, file: u32, name: &str) -> Vec<FnRef> {
    let mut all = Vec::new();
    for (at, function) in project.functions_in(file).skip(1) {
        let mut found =
            batches::takes_all(project, at, name) || channels::drains(project, at, name);
        let constructs = &*function.name == "constructor" || &*function.name == "__init__";
        found |= project.sites_of(at).any(|site| {
            let takes = matches!(site.name(), "popleft" | "get" | "get_nowait");
            takes && project.receiver_name(site).as_deref() == Some(name)
        });
        if found && !constructs && hands_on(project, at) {
            all.push(at);
        }
    }
    all
}

/// Whether a function gives what it takes to anything else: a list that is only emptied is kept for looking at.
fn hands_on(project: &Project<'_>, at: FnRef) -> bool {
    project.inside(at).iter().any(|inner| {
        project.sites_of(*inner).any(|site| {
            !matches!(
                site.name(),
                "splice"
                    | "clear"
                    | "drain"
                    | "take"
                    | "popleft"
                    | "push"
                    | "len"
                    | "slice"
                    | "replace"
                    | "append"
                    | "lock"
                    | "unwrap"
                    | "Lock"
                    | "Unlock"
            )
        })
    })
}
