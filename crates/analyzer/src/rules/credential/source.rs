//! Where credentials come from.

use crate::facts::{CallForm, Expr, ExprKind, FnId, walk};
use crate::link::{FnRef, Project};
use crate::vocabulary::Role;

/// Callers of a function that are asked what they give it.
const MAX_CALLERS: usize = 16;

/// Methods that give the value back, converted at most.
const KEEPING: &[&str] = &[
    "unwrap",
    "expect",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
    "ok",
    "clone",
    "to_string",
    "to_owned",
    "into",
    "trim",
    "strip",
];

/// The name of the environment variable with a secret whose value an expression gives, not one that it only tests.
pub(super) fn secret(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<String> {
    if let Some(name) = read(project, at, expr) {
        return Some(name);
    }
    if matches!(
        expr.kind,
        ExprKind::Compare(..) | ExprKind::Not(_) | ExprKind::Member(..)
    ) {
        return None;
    }
    // `env::var("TOKEN").unwrap_or_default()`, `process.env.TOKEN.trim()` are still the value.
    if let Some(call) = expr.call()
        && let Some(object) = call.receiver()
        && KEEPING.contains(&crate::link::callee_name(&call.callee))
    {
        return secret(project, at, object.bare());
    }
    // `bool(os.getenv("TOKEN"))` says whether there is one.
    let asks = expr.call().is_some_and(|call| {
        matches!(
            crate::link::callee_name(&call.callee),
            "bool" | "Boolean" | "len" | "any" | "all"
        )
    });
    if asks {
        return None;
    }
    // What a function of the project gives for a secret is its own: a list of names, a client.
    let is_own = expr.call().is_some_and(|call| {
        call.form != CallForm::New
            && project
                .site_at(at, expr)
                .is_some_and(|site| !site.targets.is_empty() && site.makes.is_empty())
    });
    if is_own {
        return None;
    }
    let mut children = walk::children(expr);
    if matches!(expr.kind, ExprKind::Choice(..)) {
        children.remove(0);
    }
    children
        .into_iter()
        .find_map(|child| secret(project, at, child))
}

/// The secret that this very expression reads.
fn read(project: &Project<'_>, at: FnRef, expr: &Expr) -> Option<String> {
    let name = if let ExprKind::Member(object, name) = &expr.kind {
        is_environment(object).then(|| name.to_string())
    } else if let ExprKind::Index(object, key) = &expr.kind {
        key.text()
            .filter(|_| is_environment(object))
            .map(|key| key.to_string())
    } else if let ExprKind::Call(call) = &expr.kind {
        let site = project.site_at(at, expr)?;
        let from_environment = site.role == Some(Role::Environment);
        call.arg(0)
            .and_then(Expr::text)
            .filter(|_| from_environment)
            .map(|key| key.to_string())
    } else {
        None
    };
    name.filter(|name| project.hints.is_secret(name))
}

/// `env.TOKEN` after `const env = process.env`, `token` after `const { TOKEN: token } = process.env`.
fn is_member_of_alias<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    project.paths(at, expr).iter().any(|path| {
        let key = ["process.env.", "os.environ."]
            .iter()
            .find_map(|start| path.strip_prefix(start));
        key.is_some_and(|key| {
            let is_name = key
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_');
            is_name && project.hints.is_secret(key)
        })
    })
}

/// `process.env`, `os.environ`.
pub(super) fn is_environment(object: &Expr) -> bool {
    if let ExprKind::Member(_, name) = &object.kind {
        return matches!(&**name, "env" | "environ");
    }
    matches!(&object.kind, ExprKind::Global(name) if &**name == "environ")
}

/// Whether a value is all of the environment: `process.env` or what was set to it, and no `env` of an object of the author's.
pub(super) fn is_whole<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    let is_named = is_environment(expr)
        && if let ExprKind::Member(outer, _) = &expr.kind
            && let ExprKind::Var(_) = outer.kind
        {
            matches!(
                project.last_name(at, outer).as_deref(),
                Some("process" | "os" | "Bun")
            )
        } else {
            true
        };
    is_named
        || project
            .paths(at, expr)
            .iter()
            .any(|path| matches!(&**path, "process.env" | "os.environ"))
}

/// Whether a value was read from a secret variable of the environment, through names.
pub(super) fn carries<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> bool {
    if read(project, at, expr).is_some() || is_member_of_alias(project, at, expr) {
        return true;
    }
    let ExprKind::Var(id) = &expr.kind else {
        return false;
    };
    let variable = at.variable(*id);
    let variable = project.imported(variable).unwrap_or(variable);
    let named = project
        .variable(variable)
        .is_some_and(|declared| project.hints.is_secret(&declared.name));
    project.assigned(variable).any(|(from, value)| {
        if named && reads_arguments(project, from, value) {
            return true;
        }
        let direct = matches!(
            value.kind,
            ExprKind::Member(..) | ExprKind::Index(..) | ExprKind::Logic(..) | ExprKind::Call(_)
        );
        direct && secret(project, from, value).is_some()
    })
}

/// `newClient(os.Getenv("TOKEN"))`: the secret that a parameter gets from a caller which keeps it in no place of its own.
pub(super) fn by_caller(project: &Project<'_>, at: FnRef, value: &Expr) -> Option<String> {
    let ExprKind::Var(id) = value.bare().kind else {
        return None;
    };
    let params = &project.function(at)?.params;
    let place = params
        .iter()
        .position(|param| param.pattern.variable() == Some(id))?;
    let callers = project.callers(at).iter().take(MAX_CALLERS);
    let mut sites = callers.filter_map(|id| project.site(*id));
    sites.find_map(|site| {
        let given = site.call.arg(place)?.bare();
        if let Some(name) = read(project, site.at, given) {
            return Some(name);
        }
        let ExprKind::Var(id) = given.kind else {
            return None;
        };
        let variable = site.at.variable(id);
        let declared = project.variable(variable)?;
        let is_local = declared.owner == site.at.id && site.at.id != FnId::MODULE;
        let mut set = project.assigned(variable).filter(|_| is_local);
        set.find_map(|(from, value)| read(project, from, value.bare()))
    })
}

/// `process.argv[2]`, or an item of a list made of it.
pub(super) fn reads_arguments(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let mut found = false;
    walk::each(value, &mut |expr| {
        if let ExprKind::Index(list, _) = &expr.kind {
            let direct = project.names_in(at, list).iter().any(|name| name == "argv");
            let by_variable = if let ExprKind::Var(id) = &list.kind {
                project.assigned(at.variable(*id)).any(|(from, made)| {
                    project
                        .names_in(from, made)
                        .iter()
                        .any(|name| name == "argv")
                })
            } else {
                false
            };
            found |= direct || by_variable;
        }
    });
    found
}

/// Paths that a value may have, as texts.
pub(super) fn paths<'a>(project: &Project<'a>, at: FnRef, expr: &'a Expr) -> Vec<String> {
    project
        .paths(at, expr)
        .iter()
        .map(ToString::to_string)
        .collect()
}
