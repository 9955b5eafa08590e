//! A client of an audit log that writes in batches, and that the shutdown forgets.

use std::collections::BTreeMap;

use crate::budget::{self, Left};
use crate::facts::{ExprKind, Language, StmtKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{Fate, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::words;

/// Words of names of options by which something is kept before it is written.
const BATCHING: &[&str] = &["batch", "buffer", "buffered", "flush", "queue", "linger"];

/// Names of methods that write out what is kept.
const WRITING_OUT: &[&str] = &["flush", "Flush", "flushAll", "flush_all", "drain"];

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let mut uses: Option<Uses> = None;
    for (site, name) in kept(project) {
        if !is_of_audit(project, site, &name) || !is_client(project, site) {
            continue;
        }
        let uses = uses.get_or_insert_with(|| Uses::of(project));
        let key = (project.cluster_of(site.at.file), name);
        let Some(recorded) = uses.recorded.get(&key) else {
            continue;
        };
        let out = uses.written_out.get(&key).map_or(&[][..], Vec::as_slice);
        let batches = is_batching(site) || !out.is_empty();
        if !batches || is_written_each_time(project, recorded, out) || project.closed_at_stop(site)
        {
            continue;
        }
        let Some(first) = recorded.first() else {
            continue;
        };
        let place = At {
            function: site.at,
            span: site.span,
        };
        let message = format!(
            "`{}` keeps records before it writes them, and nothing flushes it when the server is asked to stop",
            key.1
        );
        let finding = report.add(place, Ground::Likely(Trusted::Library), message);
        finding.via(project, *first, "records come from here");
        if let Some(import) = project.unread_closing(site) {
            finding.blocked(import);
        }
    }
}

/// The calls that give what is kept under a name. What a `with` holds is written out at its end, and is none of them.
fn kept<'p, 'a>(project: &'p Project<'a>) -> Vec<(&'p Site<'a>, String)> {
    let mut all = Vec::new();
    for (at, function) in project.functions() {
        walk::assignments(&function.body, &mut |_, target, value| {
            let leaf = target.leaves().into_iter().next();
            if value.call().is_some()
                && let Some(name) = leaf.and_then(|leaf| project.target_name(at, leaf))
                && let Some(site) = project.site_at(at, value.bare())
            {
                all.push((site, name));
            }
        });
    }
    all
}

/// A call of a library, of the running program, that gives something which is kept. What Rust drops may write itself out.
fn is_client(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.targets.is_empty()
        && site.role.is_none()
        && site.fate == Fate::Used
        && project.surface(site.at.file) == Surface::Runtime
        && project.language(site.at.file) != Language::Rust
}

/// Whether what makes it, or what it is kept as, is called after audit.
fn is_of_audit(project: &Project<'_>, site: &Site<'_>, name: &str) -> bool {
    let is_audit = |name: &str| {
        let words = words::words(name);
        project.hints.is_audit(name)
            || words
                .iter()
                .any(|word| matches!(word.as_str(), "audit" | "auditor" | "auditing"))
    };
    is_audit(name) || is_audit(site.name())
}

/// Whether it is told how much or how long to keep: `{ batchSize: 100 }`, `buffer_size=100`, `Config{FlushInterval: t}`.
fn is_batching(site: &Site<'_>) -> bool {
    let batches = |name: &str| {
        let words = words::words(name);
        words.iter().any(|word| BATCHING.contains(&word.as_str()))
    };
    let mut found = false;
    for arg in &site.call.args {
        found |= arg.name.as_deref().is_some_and(batches);
        walk::each(&arg.value, &mut |inner| {
            if let ExprKind::Object(entries) = &inner.kind {
                let mut keys = entries.iter().filter_map(|entry| entry.key.as_deref());
                found |= keys.any(batches);
            } else if let ExprKind::Call(call) = &inner.kind {
                let mut names = call.args.iter().filter_map(|arg| arg.name.as_deref());
                found |= names.any(batches);
            }
        });
    }
    found
}

/// Whether each call that records is followed by one that writes out, in its function and whatever branch is taken.
fn is_written_each_time(project: &Project<'_>, recorded: &[At], out: &[At]) -> bool {
    recorded.iter().all(|record| {
        budget::on(record.function.file);
        let first = out.partition_point(|one| {
            (one.function, one.span.start) < (record.function, record.span.end)
        });
        let behind = out.get(first..).unwrap_or_default();
        let mut behind = behind
            .iter()
            .take_while(|one| one.function == record.function);
        behind.any(|one| budget::spend(1) == Left::Some && is_always_behind(project, *record, *one))
    })
}

/// Whether no branch leads from one place of a function past a later one.
fn is_always_behind(project: &Project<'_>, first: At, later: At) -> bool {
    let Some(function) = project.function(first.function) else {
        return false;
    };
    let mut around = Vec::new();
    walk::enclosing(&function.body, later.span, &mut around);
    around.iter().all(|stmt| {
        let may_be_passed = match &stmt.kind {
            StmtKind::Try { finally, .. } => !walk::holds(finally, later.span),
            StmtKind::If { .. } | StmtKind::Loop { .. } => true,
            StmtKind::Match { .. } | StmtKind::Select(_) => true,
            StmtKind::Expr(_)
            | StmtKind::Assign { .. }
            | StmtKind::Value(_)
            | StmtKind::Return(_)
            | StmtKind::Throw(_)
            | StmtKind::With { .. }
            | StmtKind::Defer(_)
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Block(_) => false,
        };
        // A test in the same `if` as the call that records decides on both.
        !may_be_passed
            || walk::blocks(stmt)
                .iter()
                .any(|block| walk::holds(block, first.span) && walk::holds(block, later.span))
    })
}

/// What is done with things by their names, in each cluster of files.
#[derive(Default)]
struct Uses {
    /// The calls that record something.
    recorded: BTreeMap<(u32, String), Vec<At>>,
    /// The calls that write out what is kept, by their places.
    written_out: BTreeMap<(u32, String), Vec<At>>,
}

impl Uses {
    fn of(project: &Project<'_>) -> Self {
        let mut all = Self::default();
        for site in project.sites() {
            if site.call.receiver().is_none() {
                continue;
            }
            let Some(name) = project.receiver_name(site) else {
                continue;
            };
            let key = (project.cluster_of(site.at.file), name);
            let place = At {
                function: site.at,
                span: site.span,
            };
            if WRITING_OUT.contains(&site.name()) {
                all.written_out.entry(key).or_default().push(place);
            } else if !Project::is_closing(site) {
                all.recorded.entry(key).or_default().push(place);
            }
        }
        for out in all.written_out.values_mut() {
            out.sort_by_key(|one| (one.function, one.span.start));
        }
        all
    }
}
