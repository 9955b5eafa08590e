//! Options that a function takes from its callers.

use crate::facts::{Expr, ExprKind, VariableKind};
use crate::link::{FnRef, Project};

use super::bounds::{Given, stronger};

/// What all callers of a function say in the options that they hand it; those that hand none say nothing.
/// Where one of them can't be read, or none is known, the options may hold anything.
pub(super) fn by_callers<'a>(
    project: &Project<'a>,
    at: FnRef,
    expr: &'a Expr,
    read: &dyn Fn(FnRef, &'a Expr) -> Given,
) -> Given {
    let ExprKind::Var(id) = expr.kind else {
        return Given::Bounding;
    };
    let Some(variable) = project.variable(at.variable(id)) else {
        return Given::Bounding;
    };
    let VariableKind::Parameter(place) = variable.kind else {
        return Given::Bounding;
    };
    let callers = project.callers(at.beside(variable.owner));
    let mut most = if callers.is_empty() {
        Given::Bounding
    } else {
        Given::Absent
    };
    for site in callers.iter().filter_map(|id| project.site(*id)) {
        let by_name = |name: &str| {
            site.call
                .args
                .iter()
                .find(|arg| arg.name.as_deref() == Some(name))
        };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let value = by_name(&variable.name)
            .map(|arg| &arg.value)
            .or_else(|| site.call.arg(place));
        let says = match value {
            None => Given::Absent,
            Some(value) if matches!(value.kind, ExprKind::Object(_)) => read(site.at, value),
            Some(value) if matches!(value.kind, ExprKind::Null) => Given::Absent,
            Some(_) => Given::Bounding,
        };
        most = stronger(most, says);
    }
    most
}
