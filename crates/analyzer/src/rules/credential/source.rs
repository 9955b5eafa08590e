//! Where credentials come from.

use crate::facts::{Expr, ExprKind, walk};
use crate::link::{FnRef, Project, Value};
use crate::vocabulary::{Role, words};

/// The name of the environment variable with a secret whose value an expression gives, not one that it only tests.
pub(super) fn secret(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<String> {
    if let Some(name) = read(project, at, expr) {
        return Some(name);
    }
    if matches!(
        expr.kind,
        ExprKind::Compare(..) | ExprKind::Not(_) | ExprKind::Member(..)
    ) {
        return None;
    }
    let mut children = walk::children(expr);
    if matches!(expr.kind, ExprKind::Choice(..)) {
        children.remove(0);
    }
    children
        .into_iter()
        .find_map(|child| secret(project, at, child))
}

/// The secret that this very expression reads.
fn read(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<String> {
    let name = match &expr.kind {
        ExprKind::Member(object, name) => is_environment(object).then(|| name.to_string()),
        ExprKind::Index(object, key) => key
            .text()
            .filter(|_| is_environment(object))
            .map(|key| key.to_string()),
        ExprKind::Call(call) => {
            let site = project.site_at(at, expr)?;
            let from_environment = site.role == Some(Role::Environment);
            call.arg(0)
                .and_then(Expr::text)
                .filter(|_| from_environment)
                .map(|key| key.to_string())
        }
        ExprKind::Str(_)
        | ExprKind::Number(_)
        | ExprKind::Bool(_)
        | ExprKind::Null
        | ExprKind::Var(_)
        | ExprKind::Global(_)
        | ExprKind::This
        | ExprKind::Super
        | ExprKind::Module(_)
        | ExprKind::Function(_)
        | ExprKind::Class(_)
        | ExprKind::Object(_)
        | ExprKind::List(_)
        | ExprKind::Join(_)
        | ExprKind::Logic(..)
        | ExprKind::Compare(..)
        | ExprKind::Not(_)
        | ExprKind::Await(_)
        | ExprKind::Propagate(_)
        | ExprKind::Choice(..)
        | ExprKind::Spread(_)
        | ExprKind::Assign(..)
        | ExprKind::Flow(_)
        | ExprKind::Opaque(_) => None,
    };
    name.filter(|name| words::is_secret(name))
}

/// `process.env`, `os.environ`.
pub(super) fn is_environment(object: &Expr) -> bool {
    if let ExprKind::Member(_, name) = &object.kind {
        return matches!(&**name, "env" | "environ");
    }
    matches!(&object.kind, ExprKind::Global(name) if &**name == "environ")
}

/// Whether a value was read from a secret variable of the environment, through names.
pub(super) fn carries(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    if read(project, at, expr).is_some() {
        return true;
    }
    let ExprKind::Var(id) = &expr.kind else {
        return false;
    };
    let variable = crate::link::VarRef {
        file: at.file,
        id: *id,
    };
    project.assigned(variable).any(|(from, value)| {
        let direct = matches!(
            value.kind,
            ExprKind::Member(..) | ExprKind::Index(..) | ExprKind::Logic(..) | ExprKind::Call(_)
        );
        direct && secret(project, from, value).is_some()
    })
}

/// Paths that a value may have, as texts.
pub(super) fn paths<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Vec<String> {
    project
        .values(at, expr)
        .into_iter()
        .filter_map(|value| {
            if let Value::Path(path) = value {
                Some(path.to_string())
            } else {
                None
            }
        })
        .collect()
}
