//! Credentials that are taken out of an object or a list: `const { apiKey } = parseArgs()`.

use crate::facts::{Expr, ExprKind, Pattern, StmtKind, walk};
use crate::link::{FnRef, Project};
use crate::vocabulary::words;

use super::source;

/// `const { API_KEY } = process.env`, `name, key = read_config()`: the names that get a secret, with where it comes from.
pub(super) fn apart(
    project: &Project<'_>,
    at: FnRef,
    target: &Pattern,
    value: &Expr,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if let Pattern::Object(parts) = target
        && source::is_environment(value)
    {
        for (key, part) in parts {
            let name = project.target_name(at, part);
            all.extend(
                name.filter(|_| project.hints.is_secret(key))
                    .map(|name| (name, key.to_string())),
            );
        }
    }
    let targets = project.site_at(at, value.bare()).map(|site| &site.targets);
    if let (Pattern::Object(parts), Some(targets)) = (target, targets) {
        for (key, part) in parts {
            let named = project.target_name(at, part).filter(|name| {
                [name, &**key]
                    .iter()
                    .all(|name| project.hints.is_secret(name) && !words::is_question(name))
            });
            let origin = targets
                .iter()
                .find_map(|function| given_under(project, *function, key));
            all.extend(named.zip(origin));
        }
    }
    if let (Pattern::List(parts), Some(targets)) = (target, targets) {
        for (part, place) in parts.iter().zip(0..) {
            let named = project
                .target_name(at, part)
                .filter(|name| project.hints.is_secret(name) && !words::is_question(name));
            let origin = targets
                .iter()
                .find_map(|function| given_at(project, *function, place));
            all.extend(named.zip(origin));
        }
    }
    all
}

/// The secret that a function gives at a place of its result.
fn given_at(project: &Project<'_>, at: FnRef, place: usize) -> Option<String> {
    let mut origin = None;
    walk::stmts(&project.function(at)?.body, &mut |stmt| {
        if let StmtKind::Return(Some(value)) = &stmt.kind
            && let ExprKind::List(items) = &value.kind
            && let Some(item) = items.get(place)
            && origin.is_none()
        {
            origin = source::secret(project, at, item);
            if let ExprKind::Var(id) = item.kind {
                let mut set = project.assigned(at.variable(id));
                origin = set.find_map(|(from, value)| source::secret(project, from, value));
            }
        }
    });
    origin
}

/// The secret of the environment, or the argument of the program, that a function gives under a key of its result.
fn given_under(project: &Project<'_>, at: FnRef, key: &str) -> Option<String> {
    let mut origin = None;
    walk::stmts(&project.function(at)?.body, &mut |stmt| {
        let StmtKind::Return(Some(result)) = &stmt.kind else {
            return;
        };
        let Some(value) = result.entry(key).filter(|_| origin.is_none()) else {
            return;
        };
        let from = |at: FnRef, value: &Expr| {
            let arguments = || source::reads_arguments(project, at, value);
            source::secret(project, at, value)
                .or_else(|| arguments().then(|| String::from("the command line")))
        };
        origin = from(at, value);
        if let ExprKind::Var(id) = value.kind {
            let mut set = project.assigned(at.variable(id));
            origin = origin
                .take()
                .or_else(|| set.find_map(|(at, value)| from(at, value)));
        }
    });
    origin
}
