//! What only Python does: methods that are read like fields, and context managers that yield what they open.

use crate::facts::{Expr, ExprKind, Function, walk};

use super::sites::callee_name;
use super::{FnRef, Project};

/// Whether a method is read like a field.
pub(super) fn is_property(project: &Project<'_>, at: FnRef) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    function.decorators.iter().any(|decorator| {
        let name = if let ExprKind::Var(id) = &decorator.kind {
            let variable = at.variable(*id);
            project
                .variable(variable)
                .map_or("", |variable| &*variable.name)
        } else {
            callee_name(decorator)
        };
        matches!(name, "property" | "cached_property" | "computed_field")
    })
}

/// What a generator yields.
pub(super) fn yielded(function: &Function) -> Vec<&Expr> {
    let mut all = Vec::new();
    walk::exprs(&function.body, &mut |expr| {
        if let ExprKind::Call(call) = &expr.kind
            && matches!(&call.callee.kind, ExprKind::Global(name) if &**name == "yield")
        {
            all.extend(call.arg(0));
        }
    });
    all
}
