//! Whether what a function throws, or rejects a promise with, is caught again on its way out.

use std::collections::HashMap;

use crate::facts::{CallForm, Cover, ExprKind, FnId, Span, StmtKind, walk};
use crate::link::{Failure, FailureKind, Fate, FnRef, Project};

/// The stretches of a program where something catches what is thrown.
pub(super) struct Catches {
    /// The guarded code of each function.
    functions: HashMap<FnRef, Cover>,
    /// What has `promise.catch(f)` behind it, of each file.
    promises: HashMap<u32, Cover>,
}

impl Catches {
    /// Regions for which `passes` is true are taken to let errors through.
    pub(super) fn of<'a>(project: &Project<'a>, passes: impl Fn(&Failure<'a>) -> bool) -> Self {
        let mut functions: HashMap<FnRef, Vec<Span>> = HashMap::new();
        let mut promises: HashMap<u32, Vec<Span>> = HashMap::new();
        for failure in &project.failures {
            match failure.kind {
                FailureKind::Catch if !passes(failure) && !throws_on(failure) => {
                    let spans = functions.entry(failure.at).or_default();
                    spans.push(failure.guarded);
                }
                FailureKind::Closure => {
                    let spans = promises.entry(failure.at.file).or_default();
                    spans.push(failure.guarded);
                }
                FailureKind::Catch | FailureKind::Arm | FailureKind::Checked => {}
            }
        }
        let covered = |spans: Vec<Span>| spans.into_iter().collect();
        let functions = functions.into_iter();
        let promises = promises.into_iter();
        Self {
            functions: functions.map(|(at, spans)| (at, covered(spans))).collect(),
            promises: promises
                .map(|(file, spans)| (file, covered(spans)))
                .collect(),
        }
    }

    /// Whether something thrown at a place is caught in the function itself or in one that it is written in.
    pub(super) fn throw(&self, project: &Project<'_>, at: FnRef, span: Span) -> bool {
        if self.in_function(at, span) {
            return true;
        }
        let around = project
            .outward(at)
            .take_while(|(here, _)| here.id != FnId::MODULE && project.handler(*here).is_none());
        let mut found = false;
        for (here, function) in around {
            let Some(parent) = function.parent else { break };
            let parent = here.beside(parent);
            // What a closure throws comes out where the call that it was given to is waited for.
            let outer = project.sites_holding(parent, function.span).last();
            match outer.map(|site| site.fate) {
                Some(Fate::Awaited | Fate::Used | Fate::Dropped) => {
                    found |= self.in_function(parent, function.span);
                }
                Some(Fate::Returned) => {}
                None => break,
            }
            found |= self.by_closure(parent, function.span);
        }
        found
    }

    /// Whether a promise that is rejected at a place is waited for inside a `try`, or has a `catch` of its own.
    pub(super) fn rejection(&self, project: &Project<'_>, at: FnRef) -> bool {
        let executor = project.outward(at).find_map(|(here, function)| {
            let parent = here.beside(function.parent?);
            let is_promise = project
                .sites_holding(parent, function.span)
                .any(|site| site.call.form == CallForm::New && site.name() == "Promise");
            is_promise.then_some((here, function.span))
        });
        let Some((executor, span)) = executor else {
            return false;
        };
        let parent = project.function(executor).and_then(|one| one.parent);
        parent.is_some_and(|parent| {
            let parent = executor.beside(parent);
            let returned = project
                .sites_holding(parent, span)
                .any(|site| site.fate == Fate::Returned);
            self.by_closure(parent, span) || (!returned && self.throw(project, parent, span))
        })
    }

    fn in_function(&self, at: FnRef, span: Span) -> bool {
        let guarded = self.functions.get(&at);
        guarded.is_some_and(|guarded| guarded.holds(span))
    }

    /// `promise.catch(f)` around a place of the same file.
    fn by_closure(&self, at: FnRef, span: Span) -> bool {
        let promises = self.promises.get(&at.file);
        promises.is_some_and(|promises| promises.holds(span))
    }
}

/// Whether a region throws what it caught, in some case at least.
pub(super) fn throws_on(failure: &Failure<'_>) -> bool {
    let mut found = false;
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Throw(value) = &stmt.kind {
            found |= value.as_ref().is_none_or(
                |value| matches!(value.kind, ExprKind::Var(id) if failure.errors.contains(&id)),
            );
        }
    });
    found
}
