//! Clients of a file that a function makes with a secret which it read from a file: they keep it.

use std::collections::{BTreeSet, VecDeque};

use crate::budget::{self, Left};
use crate::facts::{CallForm, Expr, ExprKind, FnId, Language, Pattern, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Report};
use crate::vocabulary::{functions, words};

/// Variables through which a value is followed to where it was read.
const MAX_VARIABLES: usize = 4;

/// `client = new OAuth2Client(keys.client_id, keys.client_secret)` for a variable of the file.
pub(super) fn look(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        let is_looked_at = project.surface(at.file) == Surface::Runtime
            && project.language(at.file) == Language::TypeScript;
        if !is_looked_at {
            continue;
        }
        walk::assignments(&function.body, &mut |stmt, target, value| {
            let Pattern::Var(id) = target else {
                return;
            };
            let variable = at.variable(*id);
            let declared = project.variable(variable);
            let Some(declared) = declared.filter(|declared| declared.owner == FnId::MODULE) else {
                return;
            };
            let Some(secret) = given_secret(project, at, value) else {
                return;
            };
            let place = At {
                function: at,
                span: stmt.span,
            };
            if cleared.contains(&*declared.name) || report.has(place) {
                return;
            }
            let message = format!(
                "`{}` holds `{secret}`, which was read from a file, as long as the process lives",
                declared.name
            );
            let origin = At {
                function: FnRef::module(at.file),
                span: declared.span,
            };
            report
                .add(place, Ground::Likely(Trusted::Name), message)
                .via(project, origin, "declared here");
        });
    }
}

/// The name of a secret among what something is made with, if it was read from a file.
fn given_secret<'a>(project: &Project<'a>, at: FnRef, made: &'a Expr) -> Option<String> {
    let call = made.call().filter(|call| call.form == CallForm::New)?;
    let mut options: Vec<&'a Expr> = Vec::new();
    for arg in &call.args {
        if let ExprKind::Object(entries) = &arg.value.kind {
            options.extend(entries.iter().map(|entry| &entry.value));
        } else {
            options.push(&arg.value);
        }
    }
    let mut members = options.into_iter().filter_map(|value| {
        let ExprKind::Member(object, name) = &value.kind else {
            return None;
        };
        let is_secret = project.hints.is_secret(name) && !words::is_question(name);
        is_secret.then_some((object, name))
    });
    let found = members.find(|(object, _)| is_read(project, at, object));
    found.map(|(_, name)| name.to_string())
}

/// Whether a value is made of the text of a file. Each variable is followed once, by the shortest way to it.
fn is_read<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> bool {
    budget::on(at.file);
    let mut followed = BTreeSet::new();
    let mut ahead = VecDeque::from([(at, value, MAX_VARIABLES)]);
    while let Some((at, value, left)) = ahead.pop_front() {
        let mut found = false;
        walk::each(value, &mut |expr| {
            if found || budget::spend(1) == Left::Nothing {
                return;
            }
            if let ExprKind::Call(_) = expr.kind {
                let site = project.site_at(at, expr);
                found = site.is_some_and(|site| {
                    let mut paths = site.paths.iter();
                    paths.any(|path| functions::reads_file(path))
                });
            } else if let ExprKind::Var(id) = expr.kind
                && left > 0
                && followed.insert(at.variable(id))
            {
                let set = project.assigned(at.variable(id));
                ahead.extend(set.map(|(from, value)| (from, value, left - 1)));
            }
        });
        if found {
            return true;
        }
    }
    false
}
