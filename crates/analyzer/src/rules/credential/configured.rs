//! Credentials that a configuration or headers hold: `const config = readConfig()`, `this.headers = { Authorization: … }`.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, FnId, Language, Pattern, StmtKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::words;

use super::source;

/// Headers that carry a credential.
const HEADERS: &[&str] = &[
    "authorization",
    "x-api-key",
    "api-key",
    "private-token",
    "x-auth-token",
    "cookie",
];

/// Variables of a file that hold what a function of the project gives: an object with a secret in it.
pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        let is_module = at.id == FnId::MODULE
            && project.language(at.file) == Language::TypeScript
            && project.surface(at.file) == Surface::Runtime;
        if !is_module {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Var(_),
                value: Some(value),
            } = &stmt.kind
                && let Some(site) = project.site_at(at, value)
            {
                for maker in &site.targets {
                    made(project, *maker, cleared, report);
                }
            }
        });
    }
}

fn made(project: &Project<'_>, maker: FnRef, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    let Some(function) = project.function(maker) else {
        return;
    };
    walk::stmts(&function.body, &mut |stmt| {
        let StmtKind::Return(Some(value)) = &stmt.kind else {
            return;
        };
        let ExprKind::Object(entries) = &value.kind else {
            return;
        };
        for entry in entries {
            let Some(key) = entry.key.as_deref().filter(|key| {
                project.hints.is_secret(key) && !words::is_question(key) && !cleared.contains(*key)
            }) else {
                continue;
            };
            let origin = source::secret(project, maker, &entry.value)
                .map(|name| format!("`{name}`"))
                .or_else(|| from_parser(project, maker, &entry.value));
            if let Some(origin) = origin {
                let message = format!(
                    "`{key}` of the configuration holds a credential from {origin} as long as the process lives"
                );
                let place = At {
                    function: maker,
                    span: entry.value.span,
                };
                report.add(place, Ground::Likely(Trusted::Name), message);
            }
        }
    });
}

/// `argv["token"]` of `const argv = minimist(process.argv.slice(2))`, or of commander, yargs and their like.
fn from_parser(project: &Project<'_>, at: FnRef, value: &Expr) -> Option<String> {
    let object =
        if let ExprKind::Member(object, _) | ExprKind::Index(object, _) = &value.bare().kind {
            object
        } else {
            return None;
        };
    let ExprKind::Var(id) = object.kind else {
        return None;
    };
    let mut sets = project.assigned(at.variable(id));
    let parsed = sets.any(|(from, made)| {
        project
            .names_in(from, made)
            .iter()
            .any(|name| name == "argv")
    });
    parsed.then(|| String::from("the command line"))
}

/// Whether a literal is headers with a credential among them.
pub(super) fn is_headers(value: &Expr) -> bool {
    credentials(value).next().is_some()
}

/// The secret that the headers are made of by what a caller hands over.
pub(super) fn in_headers(project: &Project<'_>, at: FnRef, value: &Expr) -> Option<String> {
    credentials(value).find_map(|inner| {
        let mut found = None;
        walk::each(inner, &mut |part| {
            if found.is_none() {
                found = source::by_caller(project, at, part);
            }
        });
        found
    })
}

fn credentials(value: &Expr) -> impl Iterator<Item = &Expr> {
    let entries = if let ExprKind::Object(entries) = &value.kind {
        entries.as_slice()
    } else {
        &[]
    };
    let carries = |key: &str| HEADERS.contains(&key.to_lowercase().as_str());
    let found = entries
        .iter()
        .filter(move |entry| entry.key.as_deref().is_some_and(carries));
    found.map(|entry| &entry.value)
}
