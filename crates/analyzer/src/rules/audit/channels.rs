//! Go: records that wait in a buffered channel for a goroutine.

use crate::facts::{Expr, ExprKind, Language, LoopKind, StmtKind, walk};
use crate::link::{FnRef, Project, Site};

use super::batches::kept_name;

/// Whether a call sends into a channel that holds records which nobody has received yet: `make(chan Record, 100)`.
pub(super) fn is_buffered(project: &Project<'_>, site: &Site<'_>) -> bool {
    if project.language(site.at.file) != Language::Go {
        return false;
    }
    let Some(ExprKind::Var(id)) = site.call.receiver().map(|on| &on.kind) else {
        return false;
    };
    project.assigned(site.at.variable(*id)).any(|(_, value)| {
        value.call().is_some_and(|made| {
            let is_channel =
                |arg: &Expr| matches!(&arg.kind, ExprKind::Global(name) if &**name == "chan");
            crate::link::callee(&made.callee) == "make"
                && made.arg(0).is_some_and(is_channel)
                && made.arg(1).is_some()
        })
    })
}

/// Whether a function takes what comes out of a channel for as long as something comes: `for record := range records`.
pub(super) fn drains(project: &Project<'_>, at: FnRef, name: &str) -> bool {
    let Some(function) = project
        .function(at)
        .filter(|_| project.language(at.file) == Language::Go)
    else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop {
            kind: LoopKind::Each,
            over: Some(over),
            ..
        } = &stmt.kind
        {
            found = found || kept_name(project, at, over).as_deref() == Some(name);
        }
    });
    found
}

/// Whether a channel is ever closed, so that who drains it comes to its end.
pub(super) fn is_closed(project: &Project<'_>, file: u32, name: &str) -> bool {
    project.sites_beside(file).any(|site| {
        let given = site.call.arg(0).filter(|_| site.name() == "close");
        given.is_some_and(|given| project.last_name(site.at, given).as_deref() == Some(name))
    })
}
