//! Options that a function of the project builds: `fetch(url, requestOptions(signal))`.

use crate::facts::{Expr, ExprKind, StmtKind, walk};
use crate::link::{FnRef, Project};

use super::bounds::{Given, object, options_if_any, stronger};

/// Functions that one after the other hand on what the next one built.
const MAX_CALLS: usize = 3;

/// What the options that a call gives say, as the functions that it may run return them.
pub(super) fn by_function<'a>(
    project: &Project<'a>,
    at: FnRef,
    call: &'a Expr,
    names: &[&str],
) -> Given {
    built(project, at, call, names, MAX_CALLS)
}

fn built<'a>(
    project: &Project<'a>,
    at: FnRef,
    call: &'a Expr,
    names: &[&str],
    left: usize,
) -> Given {
    let Some(site) = project.site_at(at, call).filter(|_| left > 0) else {
        return Given::Absent;
    };
    let mut most = Given::Absent;
    for target in &site.targets {
        let Some(function) = project.function(*target) else {
            continue;
        };
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                let says = if matches!(value.kind, ExprKind::Object(_)) {
                    object(project, *target, value, names)
                } else if matches!(value.kind, ExprKind::Var(_)) {
                    options_if_any(project, *target, value, names)
                } else {
                    built(project, *target, value, names, left - 1)
                };
                most = stronger(most, says);
            }
        });
    }
    most
}
