//! Go and Rust: the functions whose errors come to a caller, handed up as values and made text where they arrive.

use std::collections::{BTreeSet, HashMap};

use crate::facts::{Cover, ExprKind, Language, Span, StmtKind, walk};
use crate::link::{Failure, Fate, FnRef, Project};

/// The functions whose errors come to a caller.
pub(super) struct Rising(BTreeSet<FnRef>);

impl Rising {
    /// Begins with regions that tell the caller: the text of what they guard is told.
    pub(super) fn of<'a>(project: &Project<'a>, telling: &[&Failure<'a>]) -> Self {
        let mut open = Vec::new();
        for failure in telling
            .iter()
            .filter(|failure| is_value(project, failure.at))
        {
            for (at, _) in project.outward(failure.at).take(2) {
                for site in project.sites_within(at, failure.guarded) {
                    open.extend(site.targets.iter().copied());
                }
            }
        }
        // Go's SDKs make the text of what a handler returns as its error.
        let handlers = project.handler_reach().iter().copied();
        open.extend(handlers.filter(|at| {
            project.language(at.file) == Language::Go && project.handler(*at).is_some()
        }));
        let handed = handed_up(project);
        let mut all: BTreeSet<FnRef> = open.iter().copied().collect();
        while let Some(at) = open.pop() {
            let Some(function) = project.function(at).filter(|_| is_value(project, at)) else {
                continue;
            };
            let mut ways = handed.get(&at).cloned().unwrap_or_default();
            walk::exprs(&function.body, &mut |expr| {
                if let ExprKind::Propagate(inner) = &expr.kind {
                    ways.push(inner.span);
                }
            });
            let ways: Cover = ways.into_iter().collect();
            for site in project.sites_of(at) {
                if site.fate == Fate::Returned || ways.holds(site.span) {
                    let targets = site.targets.iter().copied();
                    open.extend(targets.filter(|target| all.insert(*target)));
                }
            }
        }
        Self(all)
    }

    /// Whether the errors of a function come to a caller.
    pub(super) fn has(&self, at: FnRef) -> bool {
        self.0.contains(&at)
    }
}

fn is_value(project: &Project<'_>, at: FnRef) -> bool {
    matches!(project.language(at.file), Language::Go | Language::Rust)
}

/// What is guarded by the regions of each function that give their error back.
fn handed_up(project: &Project<'_>) -> HashMap<FnRef, Vec<Span>> {
    let mut all: HashMap<FnRef, Vec<Span>> = HashMap::new();
    for failure in &project.failures {
        if !is_value(project, failure.at) {
            continue;
        }
        let mut found = false;
        walk::stmts(failure.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                walk::each(value, &mut |inner| {
                    found |=
                        matches!(inner.kind, ExprKind::Var(id) if failure.errors.contains(&id));
                });
            }
        });
        if found {
            all.entry(failure.at).or_default().push(failure.guarded);
        }
    }
    all
}
