//! A check of a credential that is left out where none is configured: `if (apiKey) { if (header !== apiKey) refuse }`.

use crate::facts::{
    Block, Compare, Expr, ExprKind, Logic, Pattern, Span, Stmt, StmtKind, VarId, VariableKind, walk,
};
use crate::finding::{Ground, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::words;

use super::permit;

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        walk::stmts(&function.body, &mut |stmt| {
            if let Some(key) = unwrapped(project, at, stmt) {
                found(project, at, key, key.span, report);
            }
            let StmtKind::If {
                test,
                then,
                otherwise,
            } = &stmt.kind
            else {
                return;
            };
            if !otherwise.is_empty() {
                return;
            }
            let checked = is_set(test)
                .filter(|key| holds_key(project, at, key) && is_setup(project, at, key))
                .filter(|key| compares(project, at, key, then));
            // `if (apiKey && header !== apiKey) refuse`
            let at_once = || {
                let ExprKind::Logic(Logic::And, left, right) = &test.kind else {
                    return None;
                };
                let key = is_set(left)?;
                let asks = holds_key(project, at, key)
                    && is_setup(project, at, key)
                    && mentions(project, at, right, key)
                    && project.refuses_access(at, then);
                asks.then_some(key)
            };
            if let Some(key) = checked.or_else(at_once) {
                found(project, at, key, test.span, report);
            }
        });
    }
}

fn found(project: &Project<'_>, at: FnRef, key: &Expr, span: Span, report: &mut Report<'_>) {
    let name = project.last_name(at, key).unwrap_or_default();
    let place = At { function: at, span };
    let message = format!("where `{name}` is not configured, nobody is asked for it");
    report.add(place, Ground::Likely(Trusted::Name), message);
}

/// Rust: the key of `if let Some(key) = &self.key { if header != key { refuse } }`.
fn unwrapped<'a>(project: &Project<'a>, at: FnRef, stmt: &'a Stmt) -> Option<&'a Expr> {
    let StmtKind::Match { subject, arms } = &stmt.kind else {
        return None;
    };
    let mut key = subject.bare();
    while let Some(inner) = key.call().and_then(crate::facts::Call::receiver) {
        key = inner.bare();
    }
    let is_key = holds_key(project, at, key) && is_setup(project, at, key);
    let [arm, rest] = arms.as_slice() else {
        return None;
    };
    let Pattern::Of(path, parts) = &arm.pattern else {
        return None;
    };
    let id = parts.first().and_then(Pattern::variable)?;
    let is_some = crate::link::callee_name(path) == "Some" && rest.body.is_empty();
    let mut refuses = false;
    walk::stmts(&arm.body, &mut |inner| {
        if let StmtKind::If { test, then, .. } = &inner.kind {
            let mut mentioned = false;
            walk::each(test, &mut |part| {
                mentioned |= matches!(part.kind, ExprKind::Var(one) if one == id);
            });
            refuses |= mentioned && project.refuses_access(at, then);
        }
    });
    (is_key && is_some && refuses).then_some(key)
}

/// What a test only asks to be there: `key`, `key != null`, `key !== ""`, `keys.length > 0`.
fn is_set(test: &Expr) -> Option<&Expr> {
    if let ExprKind::Var(_) = &test.kind {
        return Some(test);
    }
    if let ExprKind::Member(object, name) = &test.kind {
        return Some(if &**name == "length" { object } else { test });
    }
    if let ExprKind::Compare(Compare::NotEqual | Compare::Order, left, right) = &test.kind {
        let nothing = matches!(right.kind, ExprKind::Null)
            || matches!(&right.kind, ExprKind::Str(text) if text.is_empty())
            || matches!(right.kind, ExprKind::Number(number) if number == 0.0);
        let measured = left
            .call()
            .filter(|call| crate::link::callee_name(&call.callee) == "len")
            .and_then(|call| call.arg(0));
        return nothing.then(|| measured.map_or_else(|| is_set(left), is_set))?;
    }
    None
}

/// A name of a key or token, or of several.
fn holds_key(project: &Project<'_>, at: FnRef, key: &Expr) -> bool {
    let name = project.last_name(at, key).unwrap_or_default();
    project.hints.is_secret(&name)
        || words::words(&name)
            .last()
            .is_some_and(|last| matches!(last.as_str(), "tokens" | "keys" | "secrets"))
}

/// Set up before there was a request: of a function around, a field, a configuration.
fn is_setup(project: &Project<'_>, at: FnRef, key: &Expr) -> bool {
    let mut root = key;
    while let ExprKind::Member(object, _) = &root.kind {
        root = object;
    }
    let ExprKind::Var(id) = root.kind else {
        return matches!(root.kind, ExprKind::This | ExprKind::Global(_));
    };
    is_outer(project, at, id) || project.assigned(at.variable(id)).any(|(from, value)| {
        let reads = project.site_at(from, value).and_then(|site| site.role);
        reads == Some(crate::vocabulary::Role::Environment)
            || matches!(&value.kind, ExprKind::Member(object, _) if permit::is_environment(object))
    })
}

/// Of a function around the one that asks, and no value that a request brought.
fn is_outer(project: &Project<'_>, at: FnRef, id: VarId) -> bool {
    project.variable(at.variable(id)).is_some_and(|variable| {
        // A receiver of Go is a parameter, and no request.
        let is_import = matches!(variable.kind, VariableKind::Import(_));
        variable.owner != at.id || is_import
    })
}

/// Whether a block refuses by comparing with the key, itself or in a function that it makes.
fn compares(project: &Project<'_>, at: FnRef, key: &Expr, then: &Block) -> bool {
    if refuses_by(project, at, key, then) {
        return true;
    }
    let (Some(first), Some(last)) = (then.first(), then.last()) else {
        return false;
    };
    project.inside(at).iter().any(|inner| {
        project.function(*inner).is_some_and(|function| {
            *inner != at
                && first.span.start <= function.span.start
                && function.span.end <= last.span.end
                && refuses_by(project, *inner, key, &function.body)
        })
    })
}

fn refuses_by(project: &Project<'_>, at: FnRef, key: &Expr, block: &Block) -> bool {
    let mut found = false;
    let (mut asks_header, mut refuses) = (false, false);
    walk::stmts(block, &mut |stmt| {
        if let StmtKind::If { test, then, .. } = &stmt.kind
            && project.refuses_access(at, then)
        {
            refuses = true;
            found |= mentions(project, at, test, key);
        }
    });
    walk::exprs(block, &mut |expr| {
        asks_header |= expr.text().is_some_and(|text| {
            matches!(text.to_lowercase().as_str(), "authorization" | "x-api-key")
        });
    });
    // A list of keys is looked up in, often as a table made of it.
    let name = project.last_name(at, key).unwrap_or_default();
    let is_list = words::words(&name)
        .last()
        .is_some_and(|last| last.ends_with('s'));
    found || (refuses && asks_header && is_list)
}

/// Whether the key stands in an expression.
fn mentions(project: &Project<'_>, at: FnRef, expr: &Expr, key: &Expr) -> bool {
    let name = project.last_name(at, key);
    let mut found = false;
    walk::each(expr, &mut |part| {
        found |= match (&part.kind, &key.kind) {
            (ExprKind::Var(one), ExprKind::Var(other)) => one == other,
            (ExprKind::Member(..), ExprKind::Member(..)) => project.last_name(at, part) == name,
            _ => false,
        };
    });
    found
}
