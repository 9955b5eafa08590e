//! Limits that are not written where a client is made or a call waits: set on the client behind that, or in the request.

use crate::facts::{
    Call, CallForm, Expr, ExprKind, Language, Pattern, StmtKind, VarId, VariableKind, walk,
};
use crate::link::{FnRef, Project, Site, VarRef};
use crate::vocabulary::Role;

/// Callers that are looked at for the context they give.
const MAX_CALLERS: usize = 16;

/// Values of a variable that are looked at.
const MAX_SETS: usize = 4;

/// Variables and calls through which a context is followed.
const MAX_CALLS: usize = 5;

/// `client := &http.Client{…}; client.Timeout = limit`, `client.HTTPClient.Timeout = limit`, `client.SetTimeout(limit)`.
pub(super) fn is_set_on(project: &Project<'_>, maker: &Site<'_>, names: &[&str]) -> bool {
    matches!(maker.role, Some(Role::Client(..))) && is_limited_there(project, maker, names)
}

/// Whether a limit is set on what a call gives, in the function that it stands in.
pub(super) fn is_limited_there(project: &Project<'_>, maker: &Site<'_>, names: &[&str]) -> bool {
    let Some(function) = project.function(maker.at) else {
        return false;
    };
    let is_of_maker = |object: &Expr| {
        object.span.holds(maker.span)
            || root(object).is_some_and(|id| {
                project
                    .assigned(maker.at.variable(id))
                    .any(|(at, value)| at == maker.at && value.span.holds(maker.span))
            })
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            ..
        } = &stmt.kind
            && let ExprKind::Member(object, name) = &place.kind
            && names.contains(&&**name)
        {
            found = found || is_of_maker(object);
        }
    });
    found
        // Only what is told by a method is looked for among the calls.
        || names.iter().any(|name| name.starts_with("Set"))
            && project.sites_of(maker.at).any(|other| {
            names.contains(&other.name()) && other.call.receiver().is_some_and(is_of_maker)
        })
}

/// The variable that a chain of members begins with.
fn root(expr: &Expr) -> Option<VarId> {
    let mut expr = expr;
    while let ExprKind::Member(object, _) = &expr.kind {
        expr = object;
    }
    if let ExprKind::Var(id) = expr.kind {
        Some(id)
    } else {
        None
    }
}

/// `const request = https.get(url); request.setTimeout(limit, …)`, `link.settimeout(limit)` on what is connected.
pub(super) fn is_told_after(project: &Project<'_>, site: &Site<'_>) -> bool {
    let on = site.call.receiver().and_then(root);
    let holds = |id: VarId| {
        on == Some(id)
            || project
                .assigned(site.at.variable(id))
                .any(|(at, value)| at == site.at && value.span.holds(site.span))
    };
    // A socket that is kept gets its limit by whoever reads from it.
    let is_socket = || {
        let mut paths = site.paths.iter();
        paths.any(|path| path.starts_with("socket.socket()"))
    };
    if project.limits_sockets(site.at.file) && is_socket() {
        return true;
    }
    project.told_in(site.at).any(|other| {
        // What was killed soon has no more to say.
        let killed = site.name() == "communicate" && other.span.start < site.span.start;
        (killed || !matches!(other.name(), "kill" | "terminate"))
            && other.call.receiver().and_then(root).is_some_and(holds)
    })
}

/// Go: `client.Do(request)` with a request whose context has a deadline: here, in the helper that makes it, or in all callers.
pub(super) fn has_request_with_deadline(project: &Project<'_>, site: &Site<'_>) -> bool {
    project.language(site.at.file) == Language::Go
        && site.name() == "Do"
        && site
            .call
            .arg(0)
            .is_some_and(|request| asks_until(project, site.at, request, MAX_CALLS))
}

/// Go: whether an argument of a call is a context with a deadline.
pub(super) fn has_context_with_deadline(project: &Project<'_>, site: &Site<'_>) -> bool {
    project.language(site.at.file) == Language::Go
        && site
            .call
            .args
            .iter()
            .any(|arg| ends(project, site.at, &arg.value, MAX_CALLS))
}

/// Go: whether a dial has a limit in the settings that it is given, or what it gives has a deadline set: `conn.SetDeadline(at)`.
pub(super) fn is_dialed_with_limit(project: &Project<'_>, site: &Site<'_>, names: &[&str]) -> bool {
    if project.language(site.at.file) != Language::Go {
        return false;
    }
    let has_deadline = site.name().contains("Dial")
        && project
            .sites_of(site.at)
            .any(|other| matches!(other.name(), "SetDeadline" | "SetReadDeadline"));
    has_deadline
        || site
            .call
            .args
            .iter()
            .any(|arg| holds_setting(project, site.at, &arg.value, names, MAX_CALLS))
}

/// Whether a struct has one of these fields set, here or in the function that gives it.
fn holds_setting(
    project: &Project<'_>,
    at: FnRef,
    value: &Expr,
    names: &[&str],
    left: usize,
) -> bool {
    if let ExprKind::Var(id) = value.kind {
        return sets(project, at.variable(id), left)
            .any(|(at, value)| holds_setting(project, at, value, names, left - 1));
    }
    let Some(call) = value.call() else {
        return false;
    };
    let sets = |call: &Call| names.iter().any(|name| call.option(name).is_some());
    if call.form == CallForm::Literal {
        return sets(call);
    }
    let made = project.site_at(at, value);
    made.is_some_and(|made| {
        made.targets.iter().any(|helper| {
            project
                .sites_of(*helper)
                .any(|inner| inner.call.form == CallForm::Literal && sets(inner.call))
        })
    })
}

/// Whether a request carries a context with a deadline.
fn asks_until(project: &Project<'_>, at: FnRef, request: &Expr, left: usize) -> bool {
    if let ExprKind::Var(id) = request.kind {
        return sets(project, at.variable(id), left)
            .any(|(at, value)| asks_until(project, at, value, left - 1))
            || given_by_all(project, at, request, left, &asks_until);
    }
    let Some(made) = project
        .site_at(at, request)
        .filter(|_| request.call().is_some())
    else {
        return false;
    };
    if matches!(
        made.name(),
        "NewRequestWithContext" | "WithContext" | "Clone"
    ) {
        let context = made.call.arg(0);
        return context.is_some_and(|context| ends(project, at, context, left));
    }
    // The helper makes it with a context of its own, or with the one that it is given here.
    left > 0
        && made.targets.iter().any(|helper| {
            project.sites_of(*helper).any(|inner| {
                let given = inner
                    .call
                    .arg(0)
                    .filter(|_| inner.name() == "NewRequestWithContext");
                given.is_some_and(|context| {
                    let outer = parameter(project, *helper, context);
                    let outer = outer.and_then(|place| made.call.arg(place));
                    ends(project, *helper, context, left - 1)
                        || outer.is_some_and(|context| ends(project, at, context, left - 1))
                })
            })
        })
}

/// Whether a context has a deadline: by the call that made it, the helper that did, the one that it is made from, or in all callers.
fn ends(project: &Project<'_>, at: FnRef, context: &Expr, left: usize) -> bool {
    if let ExprKind::Var(id) = context.kind {
        return sets(project, at.variable(id), left)
            .any(|(at, value)| ends(project, at, value, left - 1))
            || given_by_all(project, at, context, left, &ends);
    }
    let Some(made) = project
        .site_at(at, context)
        .filter(|_| context.call().is_some())
    else {
        return false;
    };
    let from = made.call.arg(0);
    match made.name() {
        "WithTimeout" | "WithDeadline" | "WithTimeoutCause" | "WithDeadlineCause" => true,
        "WithCancel" | "WithCancelCause" | "WithValue" => {
            left > 0 && from.is_some_and(|from| ends(project, at, from, left - 1))
        }
        _ => {
            left > 0
                && made
                    .targets
                    .iter()
                    .any(|helper| gives_deadline(project, *helper, left))
        }
    }
}

/// Whether every return of a function gives a context with a deadline, alone or before its cancel.
fn gives_deadline(project: &Project<'_>, helper: FnRef, left: usize) -> bool {
    let Some(function) = project.function(helper) else {
        return false;
    };
    let (mut some, mut all) = (false, true);
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind {
            let context = if let ExprKind::List(parts) = &value.kind {
                parts.first()
            } else {
                Some(value)
            };
            some = true;
            all &= context.is_some_and(|context| ends(project, helper, context, left - 1));
        }
    });
    some && all
}

/// The first values that a variable is set to, where one may look on.
fn sets<'p, 'a>(
    project: &'p Project<'a>,
    variable: VarRef,
    left: usize,
) -> impl Iterator<Item = (FnRef, &'a Expr)> + 'p {
    let most = if left == 0 { 0 } else { MAX_SETS };
    project.assigned(variable).take(most)
}

/// The place of the parameter that an expression is.
fn parameter(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<usize> {
    let ExprKind::Var(id) = expr.kind else {
        return None;
    };
    let declared = project.variable(at.variable(id))?;
    let params = &project.function(at)?.params;
    params
        .iter()
        .position(|param| param.pattern.variable() == Some(id))
        .filter(|_| matches!(declared.kind, VariableKind::Parameter(_)))
}

/// Whether a value is a parameter for which every caller gives one that holds.
fn given_by_all(
    project: &Project<'_>,
    at: FnRef,
    value: &Expr,
    left: usize,
    holds: &dyn Fn(&Project<'_>, FnRef, &Expr, usize) -> bool,
) -> bool {
    let callers = project.callers(at);
    let place = parameter(project, at, value);
    let Some(place) =
        place.filter(|_| left > 0 && !callers.is_empty() && callers.len() <= MAX_CALLERS)
    else {
        return false;
    };
    callers
        .iter()
        .filter_map(|id| project.site(*id))
        .all(|caller| {
            let given = caller.call.arg(place);
            given.is_some_and(|given| holds(project, caller.at, given, left.saturating_sub(2)))
        })
}
