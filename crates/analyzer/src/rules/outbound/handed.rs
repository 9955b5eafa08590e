//! Options that a function takes from its callers.

use crate::facts::{Arg, Expr, ExprKind, Takes, VariableKind};
use crate::link::{FnRef, Project, Site};

use super::bounds::{Given, argument, is_set_later, stronger};

/// Callers of a function that are looked at.
const MAX_CALLERS: usize = 64;

/// Functions that hand the options on which they were given.
const MAX_HANDED: usize = 4;

/// What all callers of a function say in the options that they hand it; those that hand none say nothing.
/// Where one of them can't be read, or none is known, the options may hold anything.
pub(super) fn by_callers<'a>(
    project: &Project<'a>,
    at: FnRef,
    expr: &'a Expr,
    read: &dyn Fn(FnRef, &'a Expr) -> Given,
) -> Given {
    let ExprKind::Var(id) = expr.kind else {
        return Given::Unsure;
    };
    let Some(variable) = project.variable(at.variable(id)) else {
        return Given::Unsure;
    };
    let VariableKind::Parameter(place) = variable.kind else {
        return Given::Unsure;
    };
    let mut most = Given::Unsure;
    for (turn, (at, value)) in arguments(project, at.beside(variable.owner), place, &variable.name)
        .into_iter()
        .enumerate()
    {
        let says = match value {
            None => Given::Absent,
            Some(value) if matches!(value.kind, ExprKind::Object(_)) => read(at, value),
            Some(value) if matches!(value.kind, ExprKind::Null) => Given::Absent,
            Some(_) => Given::Unsure,
        };
        most = if turn == 0 {
            says
        } else {
            stronger(most, says)
        };
    }
    most
}

/// What all callers of a function say by the names of options, where an expression is the parameter that takes them: `**options`.
/// Whoever is handed them in turn is asked as well. A function that nobody is seen to call says nothing, unless it is the only one.
pub(super) fn by_names<'a>(
    project: &Project<'a>,
    at: FnRef,
    expr: &Expr,
    names: &[&str],
) -> Option<Given> {
    let function = named(project, at, expr)?;
    Some(all_say(project, function, names, MAX_HANDED).unwrap_or(Given::Unsure))
}

fn all_say<'a>(
    project: &Project<'a>,
    function: FnRef,
    names: &[&str],
    left: usize,
) -> Option<Given> {
    let callers = project.callers(function).iter();
    let callers = callers.filter_map(|id| project.site(*id));
    let says = callers.take(MAX_CALLERS).filter_map(|caller| {
        let mut args = caller.call.args.iter();
        args.try_fold(Given::Absent, |most, arg| {
            let handed = if let (None, ExprKind::Spread(inner)) = (&arg.name, &arg.value.kind) {
                named(project, caller.at, inner).map(|next| (next, inner))
            } else {
                None
            };
            let says = match handed {
                Some((_, inner)) if is_set_later(project, caller.at, inner, names) => {
                    Given::Bounding
                }
                Some(_) if left == 0 => Given::Unsure,
                Some((next, _)) => all_say(project, next, names, left - 1)?,
                None => argument(project, caller.at, arg, names),
            };
            Some(stronger(most, says))
        })
    });
    says.reduce(stronger)
}

/// The function of which an expression is the parameter for all that is given by name.
fn named(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<FnRef> {
    let ExprKind::Var(id) = expr.kind else {
        return None;
    };
    let declared = project.variable(at.variable(id))?;
    let VariableKind::Parameter(place) = declared.kind else {
        return None;
    };
    let owner = at.beside(declared.owner);
    let params = &project.function(owner)?.params;
    let param = params.get(usize::try_from(place).ok()?)?;
    (param.takes == Takes::Named).then_some(owner)
}

/// What all callers of a function give it for a parameter, and where; `None` where they leave it out.
pub(super) fn arguments<'a>(
    project: &Project<'a>,
    function: FnRef,
    place: u32,
    name: &str,
) -> Vec<(FnRef, Option<&'a Expr>)> {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let callers = project.callers(function).iter();
    let callers = callers.filter_map(|id| project.site(*id));
    let given = |site: &Site<'a>| {
        let mut args = site.call.args.iter();
        let by_name = args.find(|arg| arg.name.as_deref() == Some(name));
        let by_name = by_name.map(|arg| &arg.value);
        (site.at, by_name.or_else(|| site.call.arg(place)))
    };
    callers.take(MAX_CALLERS).map(given).collect()
}

/// Whether a value is a parameter that is nothing by itself, and that no caller gives anything for: `timeout=None`.
pub(super) fn is_left_out<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    let Some((owner, place, name)) = project.variable(at.variable(id)).and_then(|declared| {
        if let VariableKind::Parameter(place) = declared.kind {
            Some((at.beside(declared.owner), place, &declared.name))
        } else {
            None
        }
    }) else {
        return false;
    };
    let params = project.function(owner).map(|function| &function.params);
    let param = params.and_then(|all| all.get(usize::try_from(place).ok()?));
    let is_nothing = |value: &Expr| matches!(value.kind, ExprKind::Null);
    let by_default = param.is_some_and(|param| param.default.as_ref().is_none_or(is_nothing));
    let given = arguments(project, owner, place, name);
    let mut sets = project.assigned(at.variable(id));
    // Who calls with arguments that are spread may give it.
    let spread =
        |value: &Arg| value.name.is_none() && matches!(value.value.kind, ExprKind::Spread(_));
    let callers = project.callers(owner).iter();
    let mut callers = callers.take(MAX_CALLERS).filter_map(|id| project.site(*id));
    by_default
        && !given.is_empty()
        && sets.next().is_none()
        && given.iter().all(|(_, value)| value.is_none_or(is_nothing))
        && !callers.any(|caller| caller.call.args.iter().any(spread))
}
