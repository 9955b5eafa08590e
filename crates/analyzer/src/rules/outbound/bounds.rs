//! Whether a wait is bounded in time: by an option, by the client it is made with, or by what stands around it.

use std::collections::BTreeSet;

use crate::facts::{Arg, Expr, ExprKind, Logic, Pattern, StmtKind, walk};
use crate::link::{FnRef, Project, Site, Value};
use crate::rules::outbound::around::is_within;
use crate::vocabulary::{self, Limit, Role, words};

/// Callers that are looked at for a bound around a function.
const MAX_CALLERS: usize = 8;

/// Names of options that bound a wait in every library that has them.
const USUAL: &[&str] = &["timeout", "Timeout", "signal"];

/// What is known of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// It is not there.
    Absent,
    /// It is there and says that there is no limit.
    Unlimited,
    /// It may be there: options come from where they can't be read.
    Unsure,
    /// It is there.
    Bounding,
}

impl Given {
    /// Whether there is a limit, or may be.
    pub(super) fn may_bound(self) -> bool {
        match self {
            Self::Bounding | Self::Unsure => true,
            Self::Absent | Self::Unlimited => false,
        }
    }
}

/// Whether a wait is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// By something that was read.
    Known,
    /// By options that were not, or by nothing.
    Unsure,
    /// By nothing.
    Missing,
}

/// Whether something bounds the wait of a call, or may.
pub(in crate::rules) fn is_bounded<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    limit: Limit,
) -> bool {
    bound(project, site, limit) != Bound::Missing
}

/// What bounds the wait of a call.
pub(super) fn bound<'a>(project: &Project<'a>, site: &Site<'a>, limit: Limit) -> Bound {
    let apart = site
        .paths
        .iter()
        .any(|path| path.to_lowercase().contains("timeout("))
        || project.has_default_limit(site)
        || is_given_later(project, site)
        || super::later::is_told_after(project, site);
    if apart {
        return Bound::Known;
    }
    let says = in_options(project, site, limit);
    if says == Given::Bounding
        || is_set_apart(project, site, limit)
        || is_wrapped(project, site, &mut BTreeSet::new(), 2)
    {
        Bound::Known
    } else if says == Given::Unsure {
        Bound::Unsure
    } else {
        Bound::Missing
    }
}

/// What the options of a call and of its client say.
fn in_options<'a>(project: &Project<'a>, site: &Site<'a>, limit: Limit) -> Given {
    match limit {
        Limit::Default => {
            let own = given(project, site, USUAL);
            let by_default =
                own == Given::Absent && client(project, site, USUAL) != Given::Unlimited;
            if own.may_bound() || by_default {
                Given::Bounding
            } else {
                Given::Unlimited
            }
        }
        Limit::Option(names) => given(project, site, names),
        Limit::Argument(place, names) => {
            let by_place = site.call.arg(place);
            let by_place = by_place.map_or(Given::Absent, |limit| value(project, site.at, limit));
            stronger(by_place, given(project, site, names))
        }
        Limit::Client(names) => stronger(given(project, site, names), client(project, site, names)),
        Limit::Deadline => stronger(given(project, site, USUAL), client(project, site, USUAL)),
        Limit::Statement(_) | Limit::Nothing => Given::Absent,
    }
}

/// Whether a limit stands in the statement, the request or the context of a call.
fn is_set_apart<'a>(project: &Project<'a>, site: &Site<'a>, limit: Limit) -> bool {
    match limit {
        Limit::Default | Limit::Argument(..) => false,
        Limit::Option(names) => super::later::is_dialed_with_limit(project, site, names),
        Limit::Statement(names) => {
            let statement = site.call.arg(0);
            statement.is_some_and(|statement| is_made_with(project, site, statement, names))
        }
        Limit::Client(_) => super::later::has_request_with_deadline(project, site),
        Limit::Deadline => {
            has_deadline(project, site)
                || super::later::has_context_with_deadline(project, site)
                || super::later::has_request_with_deadline(project, site)
        }
        Limit::Nothing => super::later::is_dialed_with_limit(project, site, &[]),
    }
}

/// Whether a statement is made, here or where its variable is set, by a call with one of these options.
fn is_made_with<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    statement: &'a Expr,
    names: &[&str],
) -> bool {
    let bounds = |(at, made): (FnRef, &Expr)| {
        let made = project.site_at(at, made);
        made.is_some_and(|made| given(project, made, names).may_bound())
    };
    bounds((site.at, statement))
        || matches!(statement.kind, ExprKind::Var(id)
            if project.assigned(site.at.variable(id)).any(bounds))
}

/// The limit that a call to a remote end is subject to by its role.
pub(in crate::rules) fn of_role(site: &Site<'_>) -> Option<Limit> {
    match site.role {
        Some(Role::Outbound(_, limit)) => Some(limit),
        Some(_) | None => None,
    }
}

/// `builder = builder.timeout(limit);` before `builder.send()`.
fn is_given_later(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(object) = site.call.receiver() else {
        return false;
    };
    let ExprKind::Var(id) = object.bare().kind else {
        return false;
    };
    let variable = site.at.variable(id);
    project.assigned(variable).any(|(_, value)| {
        let mut found = false;
        walk::each(value, &mut |inner| {
            if let ExprKind::Call(call) = &inner.kind
                && let ExprKind::Member(_, name) = &call.callee.kind
            {
                found |= matches!(&**name, "timeout" | "read_timeout" | "SetTimeout");
            }
        });
        found
    })
}

/// What the arguments of a call say of options.
pub(super) fn given<'a>(project: &Project<'a>, site: &Site<'a>, names: &[&str]) -> Given {
    let mut most = Given::Absent;
    for arg in &site.call.args {
        most = stronger(most, argument(project, site.at, arg, names));
    }
    if most == Given::Absent && super::later::is_set_on(project, site, names) {
        return Given::Bounding;
    }
    most
}

pub(super) fn stronger(one: Given, other: Given) -> Given {
    match (one, other) {
        (Given::Bounding, _) | (_, Given::Bounding) => Given::Bounding,
        (Given::Unsure, _) | (_, Given::Unsure) => Given::Unsure,
        (Given::Unlimited, _) | (_, Given::Unlimited) => Given::Unlimited,
        (Given::Absent, Given::Absent) => Given::Absent,
    }
}

pub(super) fn argument<'a>(
    project: &Project<'a>,
    at: FnRef,
    arg: &'a Arg,
    names: &[&str],
) -> Given {
    if let Some(name) = &arg.name {
        return if names.contains(&&**name) {
            value(project, at, &arg.value)
        } else {
            Given::Absent
        };
    }
    if let ExprKind::Object(_) = &arg.value.kind {
        object(project, at, &arg.value, names)
    } else if let ExprKind::Spread(inner) = &arg.value.kind {
        // Options by name, or from elsewhere.
        options(project, at, inner, names)
    } else if let ExprKind::Var(_) | ExprKind::Member(..) = &arg.value.kind {
        if project.language(at.file) == crate::facts::Language::Python {
            // What Python gives by place are no options.
            return Given::Absent;
        }
        options_if_any(project, at, &arg.value, names)
    } else {
        super::built::by_function(project, at, &arg.value, names)
    }
}

pub(super) fn object<'a>(
    project: &Project<'a>,
    at: FnRef,
    literal: &'a Expr,
    names: &[&str],
) -> Given {
    let ExprKind::Object(entries) = &literal.kind else {
        return Given::Absent;
    };
    let mut most = Given::Absent;
    for entry in entries {
        match &entry.key {
            Some(key) if names.contains(&&**key) => {
                most = stronger(most, value(project, at, &entry.value))
            }
            Some(_) => {}
            None => {
                if let ExprKind::Spread(inner) = &entry.value.kind {
                    most = stronger(most, options(project, at, inner, names));
                }
            }
        }
    }
    most
}

/// Options that come from elsewhere: what is not known may hold the one that matters.
fn options<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr, names: &[&str]) -> Given {
    let found = literals(project, at, expr);
    if is_set_later(project, at, expr, names) {
        return Given::Bounding;
    }
    if let Some(says) = super::handed::by_names(project, at, expr, names) {
        return says;
    }
    if found.is_empty() {
        return super::handed::by_callers(project, at, expr, &|at, literal| {
            object(project, at, literal, names)
        });
    }
    found
        .into_iter()
        .fold(Given::Absent, |most, (at, literal)| {
            stronger(most, object(project, at, literal, names))
        })
}

/// As [`options`], for an argument that need not be options at all.
pub(super) fn options_if_any<'a>(
    project: &Project<'a>,
    at: FnRef,
    expr: &'a Expr,
    names: &[&str],
) -> Given {
    let found = literals(project, at, expr);
    if is_set_later(project, at, expr, names) {
        return Given::Bounding;
    }
    let is_named_so = || {
        let name = project.last_name(at, expr);
        name.is_some_and(|name| words::is_options(&name))
    };
    if found.is_empty() && matches!(expr.kind, ExprKind::Var(_)) && is_named_so() {
        return super::handed::by_callers(project, at, expr, &|at, literal| {
            object(project, at, literal, names)
        });
    }
    found
        .into_iter()
        .fold(Given::Absent, |most, (at, literal)| {
            stronger(most, object(project, at, literal, names))
        })
}

fn literals<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Vec<(FnRef, &'a Expr)> {
    let values = project.values(at, expr).into_iter();
    values
        .filter_map(|value| {
            if let Value::Literal(at, literal) = value
                && matches!(literal.kind, ExprKind::Object(_))
            {
                Some((at, literal))
            } else {
                None
            }
        })
        .collect()
}

/// `options.signal = …`, `kwargs["timeout"] = …`, `kwargs.setdefault("timeout", …)`.
pub(super) fn is_set_later<'a>(
    project: &Project<'a>,
    at: FnRef,
    expr: &'a Expr,
    names: &[&str],
) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let ExprKind::Var(options) = &expr.kind else {
        return false;
    };
    let is_options = |object: &Expr| matches!(&object.kind, ExprKind::Var(id) if id == options);
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            ..
        } = &stmt.kind
        {
            if let ExprKind::Member(object, name) = &place.kind {
                found |= is_options(object) && names.contains(&&**name);
            }
            if let ExprKind::Index(object, key) = &place.kind {
                found |=
                    is_options(object) && key.text().is_some_and(|key| names.contains(&&**key));
            }
        }
    });
    found
        || project.sites_of(at).any(|site| {
            site.call.receiver().is_some_and(is_options)
                && site
                    .call
                    .arg(0)
                    .and_then(Expr::text)
                    .is_some_and(|key| names.contains(&&**key))
        })
}

/// Whether a value bounds: anything but none at all, and but a nought, which every library with such an option takes for none.
fn value<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Given {
    let is_off = matches!(expr.kind, ExprKind::Null | ExprKind::Bool(false));
    if is_off || is_nought(project, at, expr) || super::handed::is_left_out(project, at, expr) {
        return Given::Unlimited;
    }
    // `httpx.Timeout(None)`.
    if let Some(call) = expr.call()
        && call.args.len() == 1
        && matches!(call.args[0].value.kind, ExprKind::Null)
        && project
            .last_name(at, &call.callee)
            .is_some_and(|name| name == "Timeout")
    {
        return Given::Unlimited;
    }
    Given::Bounding
}

/// A nought as it stands, or as what a setting is unless someone sets it: `process.env.LIMIT ? Number(process.env.LIMIT) : 0`.
fn is_nought<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    if let ExprKind::Var(id) = expr.kind {
        let mut sets = project.assigned(at.variable(id));
        let only = sets.next().filter(|_| sets.next().is_none());
        return only.is_some_and(|(_, value)| is_zero(value) || falls_to_zero(value));
    }
    is_zero(expr) || falls_to_zero(expr)
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Number(number) if number.to_bits() == 0f64.to_bits())
}

fn falls_to_zero(expr: &Expr) -> bool {
    if let ExprKind::Choice(_, then, otherwise) = &expr.kind {
        is_zero(then) || is_zero(otherwise)
    } else if let ExprKind::Logic(Logic::Or | Logic::Coalesce, _, default) = &expr.kind {
        is_zero(default)
    } else {
        false
    }
}

/// Whether a client is made with a limit of its own.
pub(in crate::rules) fn is_made_bounded<'a>(
    project: &Project<'a>,
    maker: &Site<'a>,
    limit: Limit,
) -> bool {
    match limit {
        Limit::Default => given(project, maker, USUAL) != Given::Unlimited,
        Limit::Option(names)
        | Limit::Client(names)
        | Limit::Argument(_, names)
        | Limit::Statement(names) => given(project, maker, names).may_bound(),
        Limit::Deadline => given(project, maker, USUAL).may_bound(),
        Limit::Nothing => false,
    }
}

/// What the client says that a call is made with.
fn client<'a>(project: &Project<'a>, site: &Site<'a>, names: &[&str]) -> Given {
    makers(project, site)
        .into_iter()
        .fold(Given::Absent, |most, maker| {
            stronger(most, given(project, maker, names))
        })
}

/// The calls that may have made the client that a call is made on.
pub(in crate::rules) fn makers<'s, 'a>(
    project: &'s Project<'a>,
    site: &Site<'a>,
) -> Vec<&'s Site<'a>> {
    let makers = project.made_by(site);
    // `(&http.Client{}).Do(request)` is made where it is called.
    let in_place = |maker: &&&Site<'a>| {
        maker.at == site.at && maker.span != site.span && site.call.callee.span.holds(maker.span)
    };
    if let Some(made) = makers.iter().find(in_place) {
        return vec![made];
    }
    let own: Vec<&Site<'a>> = held(project, site, &makers);
    if own.is_empty() { makers } else { own }
}

/// Whether a call is made on what another wait gave: `db.Query(text).Columns()`.
pub(super) fn is_part(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    site.paths.iter().any(|path| {
        path.match_indices("()").any(|(at, _)| {
            let made = path
                .get(..at)
                .and_then(|made| vocabulary::role(language, made));
            matches!(made, Some(Role::Outbound(..)))
        })
    })
}

/// Of the calls that make such clients those whose value the receiver is known to hold.
fn held<'s, 'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    makers: &[&'s Site<'a>],
) -> Vec<&'s Site<'a>> {
    let mut root = &site.call.callee;
    while let Some(inner) = walk::children(root).first() {
        root = inner;
    }
    let ExprKind::Var(id) = &root.kind else {
        return Vec::new();
    };
    let variable = site.at.variable(*id);
    let sets: Vec<_> = project
        .assigned(variable)
        .filter(|(at, _)| at.file == site.at.file)
        .map(|(_, value)| value.span)
        .collect();
    let within = |maker: &&&'s Site<'a>| {
        maker.at.file == site.at.file && sets.iter().any(|set| set.holds(maker.span))
    };
    makers.iter().filter(within).copied().collect()
}

/// Whether an argument is a context or signal with a deadline.
fn has_deadline<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    site.call.args.iter().any(|arg| {
        project.paths(site.at, &arg.value).iter().any(|path| {
            path.contains("WithTimeout")
                || path.contains("WithDeadline")
                || path.contains("AbortSignal.timeout")
        })
    })
}

/// Whether a bound stands around a call, or around every call of the function that it is in.
fn is_wrapped<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    seen: &mut BTreeSet<FnRef>,
    levels: usize,
) -> bool {
    let inside_bound = project
        .sites_around(site)
        .any(|other| other.span != site.span && bounds_what_it_gets(project, other));
    if inside_bound || is_in_scope(project, site) {
        return true;
    }
    if levels == 0 || !seen.insert(site.at) {
        return false;
    }
    let callers = project.callers(site.at);
    !callers.is_empty()
        && callers.len() <= MAX_CALLERS
        && callers
            .iter()
            .filter_map(|id| project.site(*id))
            .all(|caller| is_wrapped(project, caller, seen, levels - 1))
}

/// Whether a call bounds what stands in it: by its name alone where it can't be read, else by a timer that it sets.
fn bounds_what_it_gets(project: &Project<'_>, outer: &Site<'_>) -> bool {
    let named = outer.name().to_lowercase().contains("timeout");
    if outer.role == Some(Role::Bound) {
        return !super::timers::is_among_waits(project, outer);
    }
    if outer.targets.is_empty() {
        return named;
    }
    let mut own = outer
        .targets
        .iter()
        .flat_map(|target| project.sites_of(*target));
    // A timer alone may be for anything, unless the name says what for.
    (named || own.any(|site| site.name() == "race"))
        && project.reach(&outer.targets).iter().any(|at| {
            project
                .sites_of(*at)
                .any(|site| site.targets.is_empty() && is_timer(project, site))
        })
}

fn is_timer(project: &Project<'_>, site: &Site<'_>) -> bool {
    if site.role == Some(Role::Later) {
        return super::timers::ends_something(project, site);
    }
    let name = site.name().to_lowercase();
    let takes_away = ["clear", "cancel"]
        .iter()
        .any(|word| name.starts_with(word));
    site.role == Some(Role::Bound)
        || !takes_away
            && ["timeout", "deadline", "alarm", "sleep", "wait_for", "timer"]
                .iter()
                .any(|timer| name.contains(timer))
}

/// `async with asyncio.timeout(5):` around a call.
fn is_in_scope<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    is_within(project, site, |opened| {
        !opened.span.holds(site.span)
            && project
                .site_at(site.at, opened)
                .is_some_and(|opened| opened.role == Some(Role::Bound))
    })
}
