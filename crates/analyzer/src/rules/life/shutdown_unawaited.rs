//! Go: `http.Server.Shutdown` in a goroutine that nobody waits for, while the function that serves goes on to its end.

use crate::facts::{CallForm, ExprKind, Language, StmtKind, walk};
use crate::finding::{Followed, Ground};
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Report};

/// Calls that serve until `Shutdown` is called, and then return at once.
const SERVES: &[&str] = &[
    "ListenAndServe",
    "ListenAndServeTLS",
    "Serve",
    "ServeTLS",
    "Start",
];

/// `Shutdown` waits for calls in flight, but the serving call returns as soon as it begins: what comes after that must wait for it.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites() {
        if project.language(site.at.file) != Language::Go || site.name() != "Shutdown" {
            continue;
        }
        let Some(outer) = started_by(project, site.at) else {
            continue;
        };
        let serving = project
            .sites_of(outer)
            .find(|other| SERVES.contains(&other.name()) && same_server(project, site, other));
        let Some(serving) = serving else {
            continue;
        };
        if waits_after(project, outer, serving) || tells(project, site.at) {
            continue;
        }
        let place = At {
            function: site.at,
            span: site.span,
        };
        let finding = report.add(
            place, Ground::Proved(Followed::Statements),
            "nobody waits for this goroutine: the serving call returns when Shutdown begins, and the process ends before the calls in flight have",
        );
        let at = At {
            function: outer,
            span: serving.span,
        };
        finding.via(project, at, "this returns at once when Shutdown is called");
    }
}

/// The function that starts this closure with `go`.
fn started_by(project: &Project<'_>, closure: FnRef) -> Option<FnRef> {
    let parent = project.function(closure)?.parent?;
    let outer = closure.beside(parent);
    let is_started = project.sites_of(outer).any(|site| {
        site.call.form == CallForm::Go
            && matches!(site.call.callee.kind, ExprKind::Function(id) if id == closure.id)
    });
    is_started.then_some(outer)
}

fn same_server(project: &Project<'_>, one: &Site<'_>, other: &Site<'_>) -> bool {
    let receiver = project.receiver_name(one);
    receiver.is_some() && receiver == project.receiver_name(other)
}

/// Whether something is received or waited for after the serving call.
fn waits_after(project: &Project<'_>, at: FnRef, serving: &Site<'_>) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if stmt.span.start < serving.span.end {
            return;
        }
        found |= matches!(stmt.kind, StmtKind::Select(_));
        walk::own_exprs(stmt, &mut |expr| {
            found |= matches!(expr.kind, ExprKind::Await(_));
        });
    });
    let deferred = |site: &&Site<'_>| site.name() == "Wait";
    found || project.sites_of(at).any(|site| deferred(&site))
}

/// Whether the goroutine says that it is done in a way that another function may wait for: a send to a channel of a field.
fn tells(project: &Project<'_>, closure: FnRef) -> bool {
    project.sites_of(closure).any(|site| {
        let to_field = matches!(
            &site.call.callee.kind,
            ExprKind::Member(object, _) if matches!(object.kind, ExprKind::Member(..))
        );
        let closes_field = site.name() == "close"
            && site
                .call
                .arg(0)
                .is_some_and(|arg| matches!(arg.kind, ExprKind::Member(..)));
        (matches!(site.name(), "send" | "Done") && to_field) || closes_field
    })
}
