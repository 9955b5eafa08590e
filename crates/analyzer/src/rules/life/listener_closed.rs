//! Go: a stop that closes the listener of an HTTP server and nothing else.

use crate::facts::{ExprKind, Language, Span, VarId, walk};
use crate::finding::{Followed, Ground, Surface};
use crate::link::{FnRef, Form, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::{Role, Serving, Wire};

/// `go func() { <-ctx.Done(); listener.Close() }()` beside `server.Serve(listener)`: serving returns at once, with calls running.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let stops = project
        .hooks
        .iter()
        .any(|hook| hook.form == Form::Wait && hook.trigger.asks_to_stop());
    if !stops {
        return;
    }
    for serving in project.sites() {
        let is_ours = serving.role == Some(Role::Serve(Serving::Over(Wire::Http)))
            && project.language(serving.at.file) == Language::Go
            && project.surface(serving.at.file) == Surface::Runtime;
        let listener = serving.call.arg(0).filter(|_| is_ours);
        let Some(ExprKind::Var(listener)) = listener.map(|listener| &listener.bare().kind) else {
            continue;
        };
        let inside = project.inside(serving.at);
        let drained = |at: &FnRef| project.sites_of(*at).any(super::selected::drains);
        if inside.iter().any(drained) {
            continue;
        }
        let mut beside = inside.iter().filter(|at| **at != serving.at);
        let Some(closed) = beside.find_map(|at| closed(project, *at, *listener)) else {
            continue;
        };
        let place = At {
            function: closed.at,
            span: closed.span,
        };
        let start = At {
            function: serving.at,
            span: serving.span,
        };
        report
            .add(place, Ground::Proved(Followed::Statements), "the stop closes the listener alone: serving returns at once, and calls in flight are cut when the process ends")
            .via(project, start, "served here");
    }
}

/// Where a function closes the listener after it has waited for something.
fn closed<'p, 'a>(project: &'p Project<'a>, at: FnRef, listener: VarId) -> Option<&'p Site<'a>> {
    let function = project.function(at)?;
    let mut waited: Option<Span> = None;
    walk::exprs(&function.body, &mut |expr| {
        if waited.is_none() && matches!(expr.kind, ExprKind::Await(_)) {
            waited = Some(expr.span);
        }
    });
    let waited = waited?;
    project.sites_of(at).find(|site| {
        let object = site.call.receiver().map(|object| &object.bare().kind);
        site.name() == "Close"
            && site.span.start >= waited.end
            && matches!(object, Some(ExprKind::Var(id)) if *id == listener)
    })
}
