//! The listener of calls that come over HTTP, and its own drain.

use std::collections::BTreeSet;

use crate::facts::{ExprKind, Stmt, StmtKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::{Role, Serving, Wire};

/// Whether any of these functions waits for the end of an HTTP listener.
pub(super) fn drains_listener(project: &Project<'_>, near: &BTreeSet<FnRef>) -> bool {
    near.iter().any(|at| {
        let mut sites = project.sites_of(*at);
        sites.any(|site| drains_http(project, site) && takes_calls(project, site))
    })
}

/// Whether calls of tools may come over the listener that is closed: one that a class of its own opens, in which no transport is
/// made and no server connected, takes something else, such as the answer of a login.
fn takes_calls(project: &Project<'_>, close: &Site<'_>) -> bool {
    let Some(class) = project.class_of(close.at) else {
        return true;
    };
    let Some(methods) = project.class(class).map(|class| &class.methods) else {
        return true;
    };
    let methods: Vec<FnRef> = methods
        .iter()
        .map(|method| class.function(method.function))
        .collect();
    let opens = |site: &Site<'_>| site.role == Some(Role::Serve(Serving::Over(Wire::Http)));
    let takes = |site: &Site<'_>| {
        matches!(
            site.role,
            Some(Role::Transport(_) | Role::Serve(Serving::ByArgument) | Role::Server)
        )
    };
    let reach = project.reach(&methods);
    let has = |wanted: &dyn Fn(&Site<'_>) -> bool| {
        let mut sites = reach.iter().flat_map(|at| project.sites_of(*at));
        sites.any(wanted)
    };
    !has(&opens) || has(&takes)
}

/// `httpServer.close(callback)` whose callback goes on: the listener's own drain.
pub(super) fn drains_http(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.name() == "close"
        && site
            .call
            .args
            .first()
            .is_some_and(|arg| matches!(arg.value.kind, ExprKind::Function(_) | ExprKind::Var(_)))
        && site
            .paths
            .iter()
            .any(|path| path.contains("listen()") || path.contains("createServer()"))
        && project.function(site.at).is_some()
}

/// Whether an exit stands in the branch beside the one that drains a listener: what is done without one.
pub(super) fn beside_listener(project: &Project<'_>, exit: &Site<'_>) -> bool {
    let Some(function) = project.function(exit.at) else {
        return false;
    };
    let drains = |block: &[Stmt]| {
        let mut sites = project.sites_of(exit.at);
        sites.any(|site| drains_http(project, site) && walk::holds(block, site.span))
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::If {
            then, otherwise, ..
        } = &stmt.kind
        {
            found |= (drains(then) && walk::holds(otherwise, exit.span))
                || (drains(otherwise) && walk::holds(then, exit.span));
        }
    });
    found
}
