//! Objects that hold a credential in one of their entries: logged whole, they show it.

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, VarId, walk};
use crate::link::{FnRef, Project};
use crate::vocabulary::words;

/// Literals inside literals that are looked at.
const MAX_DEPTH: usize = 3;

/// Whether a literal has an entry that is named like a credential and given one.
pub(super) fn has_secret(project: &Project<'_>, at: FnRef, literal: &Expr) -> bool {
    entry(project, at, literal, MAX_DEPTH)
}

fn entry(project: &Project<'_>, at: FnRef, literal: &Expr, left: usize) -> bool {
    let ExprKind::Object(entries) = &literal.kind else {
        return false;
    };
    entries.iter().filter(|_| left > 0).any(|one| {
        let named = one
            .key
            .as_deref()
            .is_some_and(|key| project.hints.is_secret(key) && !words::is_question(key));
        (named && is_value(project, at, &one.value)) || entry(project, at, &one.value, left - 1)
    })
}

/// A variable, a member or what a call gives; no fixed text, no test, and nothing that was masked.
fn is_value(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    if let ExprKind::Logic(_, left, _) = &value.kind {
        return is_value(project, at, left);
    }
    if let ExprKind::Call(call) = &value.bare().kind {
        // `readFileSync(path)` is the text; what masks, counts or tests gives something else.
        let name = crate::link::callee_name(&call.callee);
        return name.to_lowercase().contains("read") || name == "getenv" || name == "Getenv";
    }
    let named = project.last_name(at, value).unwrap_or_default();
    let is_cleaned = words::words(&named).iter().any(|word| {
        matches!(
            word.as_str(),
            "masked" | "redacted" | "safe" | "sanitized" | "hidden" | "length"
        )
    });
    matches!(
        value.kind,
        ExprKind::Var(_) | ExprKind::Member(..) | ExprKind::Index(..)
    ) && !is_cleaned
}

/// Whether a variable gets a credential in the function: `options.login = { password }`.
pub(super) fn gets_secret(project: &Project<'_>, at: FnRef, id: VarId) -> bool {
    let Some(function) = project.function(at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            value: Some(value),
        } = &stmt.kind
            && let ExprKind::Member(object, _) = &place.kind
            && matches!(object.kind, ExprKind::Var(one) if one == id)
        {
            found |= has_secret(project, at, value);
        }
    });
    found
}

/// Go: the value of `for key, value := range settings`, where the settings hold a credential.
pub(super) fn is_one_of(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    let ExprKind::Var(id) = expr.kind else {
        return false;
    };
    let function = project.function(at);
    let Some(function) = function.filter(|_| project.language(at.file) == Language::Go) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Loop {
            item: Some(Pattern::List(parts)),
            over: Some(over),
            ..
        } = &stmt.kind
            && parts.get(1).and_then(Pattern::variable) == Some(id)
            && let ExprKind::Var(settings) = over.kind
        {
            let mut set = project.assigned(at.variable(settings));
            found |= set.any(|(from, value)| has_secret(project, from, value));
        }
    });
    found
}

/// `os.Environ()`, `std::env::vars()`.
pub(super) fn is_whole_environment(project: &Project<'_>, at: FnRef, expr: &Expr) -> bool {
    project.site_at(at, expr).is_some_and(|site| {
        let mut paths = site.paths.iter();
        paths.any(|path| matches!(&**path, "os.Environ" | "std.env.vars"))
    })
}
