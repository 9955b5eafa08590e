//! Branches of a program for something else than a server over stdio: another transport, a terminal.

use std::collections::BTreeMap;

use crate::facts::{Block, Compare, Expr, ExprKind, Logic, Pattern, StmtKind, walk};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::{Wire, words};

/// Calls upwards through which the branch is looked for.
const MAX_CALLS: usize = 3;

/// Callers of a function that are looked at.
const MAX_CALLERS: usize = 24;

/// Words in the names of the transports over HTTP.
const HTTP: &[&str] = &["http", "sse", "streamable", "stream", "httpstream"];

/// Whether a call stands in such a branch, or all calls of the function that it stands in do.
pub(super) fn holds<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let mut judged = BTreeMap::new();
    holds_within(project, site, MAX_CALLS, &mut judged)
}

fn holds_within<'a>(
    project: &Project<'a>,
    site: &Site<'a>,
    left: usize,
    judged: &mut BTreeMap<FnRef, bool>,
) -> bool {
    if stands(project, site) || is_command(project, site) {
        return true;
    }
    if let Some(known) = judged.get(&site.at) {
        return *known;
    }
    let callers = project.callers(site.at);
    let holds = left > 0
        && !callers.is_empty()
        && callers.len() <= MAX_CALLERS
        && callers
            .iter()
            .filter_map(|id| project.site(*id))
            .all(|caller| holds_within(project, caller, left - 1, judged));
    judged.insert(site.at, holds);
    holds
}

/// Whether the call stands in a branch for a terminal or for another transport: `if (process.stdout.isTTY)`, beside the start of an HTTP server.
fn stands<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::around(&function.body, site.span, &mut |stmt| {
        if let StmtKind::Match { arms, .. } = &stmt.kind {
            let inside = arms.iter().find(|arm| arm.span.holds(site.span));
            found |= inside.is_some_and(|arm| is_of_http(project, site.at, &arm.pattern));
        }
        let StmtKind::If {
            test,
            then,
            otherwise,
        } = &stmt.kind
        else {
            return;
        };
        let holds = |block: &Block| block.iter().any(|inner| inner.span.holds(site.span));
        let meant = meant(project, site.at, test);
        let names: Vec<String> = meant
            .iter()
            .flat_map(|(at, value)| project.names_in(*at, value))
            .collect();
        let mut texts = Vec::new();
        walk::each(test, &mut |expr| {
            texts.extend(expr.text().map(|text| text.to_lowercase()))
        });
        let terminal =
            names.iter().any(|name| name == "isTTY") && names.iter().any(|name| name == "stdout");
        let for_stdio = texts.iter().any(|text| text == "stdio");
        let for_http = texts.iter().any(|text| {
            matches!(
                text.as_str(),
                "http" | "sse" | "streamable-http" | "streamable" | "httpstream"
            )
        });
        let serves_http = |block: &Block| {
            project
                .entries
                .iter()
                .filter(|entry| entry.wire == Wire::Http)
                .any(|entry| {
                    project.sites_of(site.at).any(|other| {
                        block.iter().any(|inner| inner.span.holds(other.span))
                            && (other.id == entry.site || other.targets.contains(&entry.at))
                    })
                })
        };
        let said = wire_of(project, site.at, test);
        let by_setting = meant.iter().any(|(_, value)| asks_for_http(value));
        let then_http = for_http || by_setting || said == Some(Wire::Http);
        found |= holds(then) && (terminal || then_http || serves_http(then));
        found |= holds(otherwise)
            && (for_stdio || said == Some(Wire::Stdio) || serves_http(otherwise))
            && !otherwise
                .iter()
                .any(|inner| matches!(inner.kind, StmtKind::If { .. }));
    });
    found
}

/// A test, and what the variables and own fields in it were set to.
fn meant<'a>(project: &Project<'a>, at: FnRef, test: &'a Expr) -> Vec<(FnRef, &'a Expr)> {
    let mut all = vec![(at, test)];
    walk::each(test, &mut |expr| {
        if let ExprKind::Var(id) = &expr.kind {
            all.extend(project.assigned(at.variable(*id)).take(MAX_SETS));
        } else if let ExprKind::Member(object, name) = &expr.kind
            && let ExprKind::This = object.kind
            && let Some(class) = project.class_of(at).and_then(|class| project.class(class))
        {
            let fields = class.fields.iter().filter(|field| field.name == *name);
            all.extend(fields.filter_map(|field| Some((at, field.value.as_ref()?))));
        }
    });
    all
}

/// Values that a flag is set to which are looked at.
const MAX_SETS: usize = 4;

/// Whether a test asks the environment for another transport: `process.env.HTTP_SERVER === "true" || process.env.SSE === "true"`.
fn asks_for_http(test: &Expr) -> bool {
    if let ExprKind::Logic(Logic::Or, left, right) = &test.kind {
        return asks_for_http(left) || asks_for_http(right);
    }
    let ExprKind::Compare(Compare::Equal, left, right) = &test.kind else {
        return false;
    };
    let ExprKind::Member(object, name) = &left.kind else {
        return false;
    };
    let is_on = right
        .text()
        .is_some_and(|text| matches!(&**text, "true" | "1" | "yes" | "on"));
    let of_environment = matches!(&object.kind, ExprKind::Member(_, env) if &**env == "env");
    let words = words::words(name);
    is_on && of_environment && words.iter().any(|word| HTTP.contains(&word.as_str()))
}

/// Whether a call stands in a branch for those who ask for stdout by its name: `case "stdout":`, `if exporter == "stdout"`.
pub(super) fn is_asked_for<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::around(&function.body, site.span, &mut |stmt| {
        if let StmtKind::Match { arms, .. } = &stmt.kind
            && let Some(arm) = arms.iter().find(|arm| arm.span.holds(site.span))
            && let Pattern::Value(value) | Pattern::Of(value, _) = &arm.pattern
        {
            found |= names_stdout(project, site.at, value);
        } else if let StmtKind::If { test, then, .. } = &stmt.kind
            && then.iter().any(|inner| inner.span.holds(site.span))
            && let ExprKind::Compare(Compare::Equal, left, right) = &test.kind
        {
            found |= [left, right]
                .into_iter()
                .any(|side| names_stdout(project, site.at, side));
        }
    });
    found
}

fn names_stdout(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let text = value.text().map(ToString::to_string);
    let name = text.or_else(|| project.last_name(at, value));
    let words = words::words(&name.unwrap_or_default());
    words.iter().any(|word| word == "stdout")
}

/// Whether a call stands in the function of a command line's command that does not serve: `.command("install", text, options, run)`.
fn is_command<'a>(project: &Project<'a>, site: &Site<'a>) -> bool {
    project.outward(site.at).any(|(at, function)| {
        let Some(outer) = function.parent.map(|id| at.beside(id)) else {
            return false;
        };
        let given = project.sites_of(outer).any(|other| {
            let mut args = other.call.args.iter();
            matches!(other.name(), "command" | "action")
                && other.targets.is_empty()
                && args.any(|arg| matches!(arg.value.kind, ExprKind::Function(id) if id == at.id))
        });
        given && !serves(project, at)
    })
}

/// Whether a function, or one that it leads to, serves.
fn serves(project: &Project<'_>, at: FnRef) -> bool {
    let reach = project.reach(&[at]);
    project
        .entries
        .iter()
        .any(|entry| reach.contains(&entry.at) || project.inside(at).contains(&entry.at))
}

/// `Command::Http =>`, `case "sse":`.
fn is_of_http(project: &Project<'_>, at: FnRef, pattern: &Pattern) -> bool {
    if let Pattern::Or(parts) = pattern {
        return parts.iter().all(|part| is_of_http(project, at, part));
    }
    let (Pattern::Value(value) | Pattern::Of(value, _)) = pattern else {
        return false;
    };
    let text = value.text().map(ToString::to_string);
    let name = text.or_else(|| project.last_name(at, value));
    words::words(&name.unwrap_or_default())
        .iter()
        .any(|word| HTTP.contains(&word.as_str()))
}

/// The transport for which a test holds, by the name of a flag: `if stdio`, `if !is_http`.
fn wire_of(project: &Project<'_>, at: FnRef, test: &Expr) -> Option<Wire> {
    if let ExprKind::Not(inner) = &test.kind {
        return match wire_of(project, at, inner)? {
            Wire::Stdio => Some(Wire::Http),
            Wire::Http => Some(Wire::Stdio),
        };
    }
    if !matches!(
        test.kind,
        ExprKind::Var(_) | ExprKind::Member(..) | ExprKind::Call(_)
    ) {
        return None;
    }
    let name = test.call().map_or_else(
        || project.last_name(at, test),
        |call| project.last_name(at, &call.callee),
    );
    let words = words::words(&name?);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if has(&["stdio"]) {
        Some(Wire::Stdio)
    } else if has(HTTP) {
        Some(Wire::Http)
    } else {
        None
    }
}
