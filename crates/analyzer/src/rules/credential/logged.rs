//! A credential in a log.

use crate::facts::{Expr, ExprKind, Pattern, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, words};

use super::arguments::Arguments;
use super::{held, source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CRED-003",
    name: "secret-logged",
    severity: Severity::High,
    axes: &[Axis::Credentials],
    cwe: &[532],
    summary: "A credential is written to a log or to an output.",
    why: "Logs are kept, shipped and read by more people than the secret was meant for.",
    fix: "Log whether it is set, or its name; redact the value.",
    fixtures: fixtures!("CRED-003": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let arguments = Arguments::of(project);
    for site in project.sites() {
        if !logs(project, site) {
            continue;
        }
        let place = At {
            function: site.at,
            span: site.span,
        };
        let mut given = site.call.args.iter();
        if given.any(|arg| shows_all(&arguments, site.at, &arg.value)) {
            report
                .add(place, Ground::Likely(Trusted::Purpose), "this writes all arguments of a call to a log, whatever secret the caller put among them")
                .weigh(Severity::Medium);
            continue;
        }
        if site
            .call
            .args
            .iter()
            .any(|arg| shows(project, site.at, &arg.value))
        {
            report.add(
                place,
                Ground::Likely(Trusted::Name),
                "this writes a credential to a log",
            );
        }
    }
}

fn logs(project: &Project<'_>, site: &Site<'_>) -> bool {
    let named = matches!(
        site.name().to_lowercase().as_str(),
        "log" | "info" | "debug" | "warn" | "warning" | "error" | "print"
    ) && project
        .receiver_name(site)
        .is_some_and(|name| name.to_lowercase().contains("log"));
    matches!(site.role, Some(Role::Log | Role::Stdout)) || named || is_own_log(project, site)
}

/// A function of the project that is named like a log and writes to one.
fn is_own_log(project: &Project<'_>, site: &Site<'_>) -> bool {
    let named = matches!(
        site.name(),
        "log" | "info" | "debug" | "warn" | "warning" | "error" | "trace"
    );
    named
        && site
            .targets
            .iter()
            .any(|target| writes(project, *target, MAX_CALLS))
}

/// Functions in a row that hand on what is to be logged.
const MAX_CALLS: usize = 2;

fn writes(project: &Project<'_>, at: FnRef, left: usize) -> bool {
    project.sites_of(at).any(|site| {
        let mut targets = site.targets.iter();
        matches!(site.role, Some(Role::Log | Role::Stdout))
            || (left > 0 && targets.any(|target| writes(project, *target, left - 1)))
    })
}

/// Whether all arguments of a call are shown: as they are, inside a text, or in an object.
fn shows_all(arguments: &Arguments, at: FnRef, expr: &Expr) -> bool {
    if let ExprKind::Join(parts) | ExprKind::Opaque(parts) = &expr.kind {
        parts.iter().any(|part| shows_all(arguments, at, part))
    } else if let ExprKind::Object(entries) = &expr.kind {
        let mut values = entries.iter().map(|entry| &entry.value);
        values.any(|value| shows_all(arguments, at, value))
    } else if let Some(call) = expr.call() {
        makes_text(crate::link::callee_name(&call.callee))
            && call
                .args
                .iter()
                .any(|arg| shows_all(arguments, at, &arg.value))
    } else {
        arguments.holds(at, expr)
    }
}

/// A whole object made into a text is the object.
fn makes_text(name: &str) -> bool {
    matches!(
        name,
        "stringify"
            | "dumps"
            | "inspect"
            | "dict"
            | "pformat"
            | "str"
            | "repr"
            | "format"
            | "Any"
            | "String"
            | "Sprintf"
            | "Sprint"
            | "Debug"
            | "Display"
    )
}

/// Whether the value itself is shown: bare or inside a text, not as a test or a length.
fn shows<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    if let ExprKind::Join(parts) = &expr.kind {
        parts.iter().any(|part| shows(project, at, part))
    } else if let ExprKind::Logic(_, left, right) = &expr.kind {
        shows(project, at, left) || shows(project, at, right)
    } else if let ExprKind::Choice(_, then, otherwise) = &expr.kind {
        shows(project, at, then) || shows(project, at, otherwise)
    } else if let ExprKind::Var(_) | ExprKind::Member(..) | ExprKind::Index(..) = &expr.kind {
        source::carries(project, at, expr)
            || source::is_whole(project, at, expr)
            || is_login(project, at, expr)
            || holds_secret(project, at, expr)
            || held::is_one_of(project, at, expr)
    } else if let ExprKind::Object(entries) = &expr.kind {
        entries.iter().any(|entry| shows(project, at, &entry.value))
    } else if let Some(call) = expr.call() {
        let shown = makes_text(crate::link::callee_name(&call.callee))
            && call.args.iter().any(|arg| shows(project, at, &arg.value));
        shown || held::is_whole_environment(project, at, expr)
    } else {
        false
    }
}

/// Names that only a text with a password in it has.
fn is_login(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    let Some(variable) = project.variable(at.variable(id)) else {
        return false;
    };
    let words = words::words(&variable.name);
    let last: Vec<&str> = words
        .iter()
        .rev()
        .take(2)
        .rev()
        .map(String::as_str)
        .collect();
    if matches!(last.as_slice(), [.., "dsn"]) {
        return !is_cleaned(project, at.variable(id));
    }
    matches!(
        last.as_slice(),
        ["password"]
            | ["db" | "user" | "smtp" | "admin", "password"]
            | ["connection", "string"]
            | ["private", "key"]
    )
}

/// Whether what is in a variable went through a function that takes the password out.
fn is_cleaned(project: &Project<'_>, variable: crate::link::VarRef) -> bool {
    project.assigned(variable).any(|(_, value)| {
        let name = value
            .call()
            .map(|call| crate::link::callee_name(&call.callee));
        words::words(name.unwrap_or_default()).iter().any(|word| {
            matches!(
                word.as_str(),
                "mask" | "masked" | "redact" | "redacted" | "sanitize" | "hide" | "safe" | "strip"
            )
        })
    })
}

/// Whether an object holds a secret in one of its members: a literal with one, or headers with credentials.
fn holds_secret<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    let variable = at.variable(id);
    let by_literal = project.assigned(variable).any(|(from, value)| {
        matches!(value.kind, ExprKind::Object(_))
            && (shows_entry(project, from, value) || held::has_secret(project, from, value))
    }) || held::gets_secret(project, at, id);
    let is_headers = project
        .variable(variable)
        .is_some_and(|declared| declared.name.to_lowercase().ends_with("headers"));
    by_literal || (is_headers && authorizes(project, at, id))
}

fn shows_entry<'a>(project: &Project<'a>, at: FnRef, literal: &'a Expr) -> bool {
    if let ExprKind::Object(entries) = &literal.kind {
        entries.iter().any(|entry| {
            let read = source::carries(project, at, &entry.value);
            let named = entry
                .key
                .as_ref()
                .is_some_and(|key| key.eq_ignore_ascii_case("authorization"));
            read || named
        })
    } else {
        false
    }
}

/// `headers["Authorization"] = …`, `headers.update(auth)` in the function.
fn authorizes(project: &Project<'_>, at: FnRef, id: crate::facts::VarId) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            ..
        } = &stmt.kind
        {
            let (object, key) = if let ExprKind::Member(object, name) = &place.kind {
                (object, Some(name))
            } else if let ExprKind::Index(object, key) = &place.kind {
                (object, key.text())
            } else {
                return;
            };
            found |= matches!(object.kind, ExprKind::Var(one) if one == id)
                && key.is_some_and(|key| key.eq_ignore_ascii_case("authorization"));
        }
    });
    found
        || project.sites_of(at).any(|site| {
            let on_it = site
                .call
                .receiver()
                .is_some_and(|object| matches!(object.kind, ExprKind::Var(one) if one == id));
            let named = site.call.arg(0).is_some_and(|arg| {
                project.last_name(at, arg).is_some_and(|name| {
                    words::words(&name)
                        .iter()
                        .any(|word| matches!(word.as_str(), "auth" | "authorization"))
                })
            });
            on_it && matches!(site.name(), "update" | "set" | "append") && named
        })
}
