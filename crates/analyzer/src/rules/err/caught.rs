//! Whether what a function throws, or rejects a promise with, is caught again on its way out.

use crate::facts::{CallForm, ExprKind, FnId, Span, StmtKind, walk};
use crate::link::{Failure, FailureKind, Fate, FnRef, Project};

/// Whether something thrown at a place is caught in the function itself or in one that it is written in.
pub(super) fn throw(
    project: &Project<'_>,
    at: FnRef,
    span: Span,
    passes: &dyn Fn(&Failure<'_>) -> bool,
) -> bool {
    if caught_in(project, at, span, passes) {
        return true;
    }
    let around = project.outward(at).take_while(|(here, _)| {
        here.id != FnId::MODULE && !project.handlers.iter().any(|one| one.function == *here)
    });
    let mut found = false;
    for (here, function) in around {
        let Some(parent) = function.parent else { break };
        let parent = here.beside(parent);
        // What a closure throws comes out where the call that it was given to is waited for.
        let outer = project
            .sites_of(parent)
            .filter(|site| site.span.holds(function.span))
            .max_by_key(|site| site.span.end.saturating_sub(site.span.start));
        match outer.map(|site| site.fate) {
            Some(Fate::Awaited | Fate::Used | Fate::Dropped) => {
                found |= caught_in(project, parent, function.span, passes);
            }
            Some(Fate::Returned) => {}
            None => break,
        }
        found |= caught_by_closure(project, parent, function.span);
    }
    found
}

/// Whether a promise that is rejected at a place is waited for inside a `try`, or has a `catch` of its own.
pub(super) fn rejection(
    project: &Project<'_>,
    at: FnRef,
    passes: &dyn Fn(&Failure<'_>) -> bool,
) -> bool {
    let executor = project.outward(at).find_map(|(here, function)| {
        let parent = here.beside(function.parent?);
        let is_promise = project.sites_of(parent).any(|site| {
            site.call.form == CallForm::New
                && site.name() == "Promise"
                && site.span.holds(function.span)
        });
        is_promise.then_some((here, function.span))
    });
    let Some((executor, span)) = executor else {
        return false;
    };
    let parent = project.function(executor).and_then(|one| one.parent);
    parent.is_some_and(|parent| {
        let parent = executor.beside(parent);
        let returned = project
            .sites_of(parent)
            .any(|site| site.fate == Fate::Returned && site.span.holds(span));
        caught_by_closure(project, parent, span)
            || (!returned && throw(project, parent, span, passes))
    })
}

fn caught_in(
    project: &Project<'_>,
    at: FnRef,
    span: Span,
    passes: &dyn Fn(&Failure<'_>) -> bool,
) -> bool {
    project.failures.iter().any(|failure| {
        failure.at == at
            && failure.kind == FailureKind::Catch
            && failure.guarded.holds(span)
            && !passes(failure)
            && !throws_on(failure)
    })
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

/// `promise.catch(f)` around a place of the same file.
fn caught_by_closure(project: &Project<'_>, at: FnRef, span: Span) -> bool {
    project.failures.iter().any(|failure| {
        failure.at.file == at.file
            && failure.kind == FailureKind::Closure
            && failure.guarded.holds(span)
    })
}
