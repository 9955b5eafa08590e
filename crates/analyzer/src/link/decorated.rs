//! Decorators of the project that register what they decorate, or put a function around it.

use crate::facts::{Expr, ExprKind, Language, StmtKind, VariableKind, walk};
use crate::vocabulary::{self, Role};

use super::{FnRef, Project, Site, Value};

/// Whether a call is one of what a registering call gave.
pub(super) fn gives_registration(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    language == Language::Python
        && site.paths.iter().any(|path| {
            path.strip_suffix("()")
                .is_some_and(|made| vocabulary::role(language, made) == Some(Role::Responder))
        })
}

/// Whether a decorator of the project registers what it decorates: it calls `mcp.tool()(func)` or `mcp.tool(func)` for it.
pub(super) fn registers<'a>(project: &Project<'a>, at: FnRef, decorator: &'a Expr) -> bool {
    let values = project.values(at, decorator);
    values.iter().filter_map(Value::function).any(|function| {
        project.inside(function).into_iter().any(|inner| {
            project.sites_of(inner).any(|site| {
                let hands_on = site
                    .call
                    .args
                    .iter()
                    .any(|arg| is_decorated(project, function, inner, &arg.value));
                hands_on
                    && (site.role == Some(Role::Responder) || gives_registration(project, site))
            })
        })
    })
}

/// Whether a value inside a decorator is what it decorates: a parameter, or the function that it puts around that.
fn is_decorated(project: &Project<'_>, decorator: FnRef, at: FnRef, value: &Expr) -> bool {
    let ExprKind::Var(id) = value.kind else {
        return false;
    };
    let is_parameter = project
        .variable(at.variable(id))
        .is_some_and(|variable| matches!(variable.kind, VariableKind::Parameter(_)));
    is_parameter || {
        let inside = project.inside(decorator);
        let around = super::graph::handed(project, at, value);
        !around.is_empty()
            && around
                .iter()
                .all(|one| *one != decorator && inside.contains(one))
    }
}

/// The functions that decorators of the project put in the place of a handler: they answer.
pub(super) fn wrappers(project: &Project<'_>, handler: FnRef) -> Vec<FnRef> {
    let Some(function) = project.function(handler) else {
        return Vec::new();
    };
    let outer = project.decorated_in(handler);
    let mut all = Vec::new();
    for decorator in &function.decorators {
        let values = project.values(outer, decorator);
        for given in values.iter().filter_map(Value::function) {
            let Some(body) = project.function(given).map(|decorator| &decorator.body) else {
                continue;
            };
            walk::stmts(body, &mut |stmt| {
                if let StmtKind::Return(Some(value)) = &stmt.kind {
                    let values = project.values(given, value);
                    all.extend(values.iter().filter_map(Value::function));
                }
            });
        }
    }
    all.retain(|wrapper| *wrapper != handler);
    all
}

impl Project<'_> {
    /// The functions that its decorators put around a function: what it gives comes through them, and what it throws.
    pub fn put_around(&self, at: FnRef) -> Vec<FnRef> {
        wrappers(self, at)
    }
}
