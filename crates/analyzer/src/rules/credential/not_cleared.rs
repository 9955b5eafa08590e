//! A credential that is kept as long as the process lives.

use std::collections::BTreeSet;

use crate::facts::{CallForm, Expr, ExprKind, Language, Pattern, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{FnRef, Project};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, words};

use super::{source, taken};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CRED-001",
    name: "credential-not-cleared",
    severity: Severity::Low,
    axes: &[Axis::Credentials],
    cwe: &[226, 316, 244],
    summary: "A credential is held in a variable for the life of the process and never cleared.",
    why: "What stands in memory stands in core dumps, swap and heap snapshots. Strings of JavaScript and Python can't truly be wiped: setting the variable to something else only drops the reference. A short life and revocation are the control; wiping is hygiene.",
    fix: "Read it where it is used, or keep it in a buffer that the shutdown fills with zeros (`Buffer.fill(0)`, `bytearray`, `zeroize`, `secrecy`); drop the reference at shutdown.",
    fixtures: fixtures!("CRED-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let cleared = cleared(project);
    for (at, function) in project.functions() {
        if !lives_long(project, at) {
            continue;
        }
        walk::assignments(&function.body, &mut |stmt, target, value| {
            let Pattern::Var(id) = target else {
                for (name, origin) in taken::apart(project, at, target, value) {
                    if !cleared.contains(&name) {
                        let place = At {
                            function: at,
                            span: stmt.span,
                        };
                        let message = format!(
                            "`{name}` holds a credential from `{origin}` as long as the process lives"
                        );
                        report.add(place, Ground::Likely(Trusted::Name), message);
                    }
                }
                return;
            };
            let Some(variable) = project.variable(at.variable(*id)) else {
                return;
            };
            if words::is_question(&variable.name) {
                return;
            }
            let named = project.hints.is_secret(&variable.name);
            let from_environment = source::secret(project, at, value).filter(|_| holds_it(value));
            let from_arguments = named && source::reads_arguments(project, at, value);
            if (from_environment.is_none() && !from_arguments)
                || wiped(project, at, value)
                || cleared.contains(&*variable.name)
            {
                return;
            }
            let origin = from_environment.map_or_else(
                || String::from("the command line"),
                |name| format!("`{name}`"),
            );
            let message = format!(
                "`{}` holds a credential from {origin} as long as the process lives",
                variable.name
            );
            let finding = report.add(
                At {
                    function: at,
                    span: stmt.span,
                },
                Ground::Likely(Trusted::Name),
                message,
            );
            if is_mutable(project, at, value) {
                finding.weigh(Severity::Medium);
            }
        });
    }
    fields(project, &cleared, report);
    super::configured::look(project, &cleared, report);
    constructed(project, &cleared, report);
    literals(project, &cleared, report);
    super::kept::look(project, &cleared, report);
    super::beside::look(project, &cleared, report);
    super::collected::look(project, &cleared, report);
    super::clients::look(project, &cleared, report);
}

/// Go: fields of a struct that a function makes of what its caller read from the environment.
fn literals(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    for site in project.sites() {
        let makes = site.call.form == CallForm::Literal
            && project.language(site.at.file) == Language::Go
            && project.surface(site.at.file) == crate::finding::Surface::Runtime;
        if !makes {
            continue;
        }
        for arg in &site.call.args {
            let Some(field) = arg.name.as_deref().filter(|field| {
                project.hints.is_secret(field)
                    && !words::is_question(field)
                    && !cleared.contains(*field)
            }) else {
                continue;
            };
            if let Some(name) = source::by_caller(project, site.at, &arg.value) {
                let message = format!(
                    "the field `{field}` holds a credential from `{name}` as long as the object lives"
                );
                let place = At {
                    function: site.at,
                    span: arg.value.span,
                };
                report.add(place, Ground::Likely(Trusted::Name), message);
            }
        }
    }
}

/// Fields that a constructor sets from the environment.
fn constructed(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        let makes = function.class.is_some()
            && matches!(&*function.name, "constructor" | "__init__")
            && project.surface(at.file) == crate::finding::Surface::Runtime;
        if !makes {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            let StmtKind::Assign {
                target: Pattern::Place(place),
                value: Some(value),
            } = &stmt.kind
            else {
                return;
            };
            let ExprKind::Member(object, field) = &place.kind else {
                return;
            };
            let secret = source::secret(project, at, value)
                .filter(|_| holds_it(value))
                .or_else(|| by_default(project, at, value))
                .or_else(|| source::by_caller(project, at, value))
                .or_else(|| super::configured::in_headers(project, at, value));
            let keeps = matches!(object.kind, ExprKind::This)
                && (project.hints.is_secret(field) || super::configured::is_headers(value))
                && !cleared.contains(&**field);
            if let (Some(name), true) = (secret, keeps) {
                let message = format!(
                    "the field `{field}` holds a credential from `{name}` as long as the object lives"
                );
                let place = At {
                    function: at,
                    span: stmt.span,
                };
                report.add(place, Ground::Likely(Trusted::Name), message);
            }
        });
    }
}

/// Rust's strings can be wiped, as can buffers: to leave the secret in them is the worse habit.
fn is_mutable(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    let is_buffer = value.call().is_some_and(|call| {
        matches!(
            crate::link::callee_name(&call.callee),
            "bytearray" | "into_bytes"
        )
    });
    project.language(at.file) == Language::Rust || is_buffer
}

/// `constructor(key = process.env.API_KEY)`: the secret that a parameter is without an argument.
fn by_default(project: &Project<'_>, at: FnRef, value: &Expr) -> Option<String> {
    let mut object = value.bare();
    while let Some(inner) = object.call().and_then(crate::facts::Call::receiver) {
        object = inner.bare();
    }
    let ExprKind::Var(id) = object.kind else {
        return None;
    };
    let params = &project.function(at)?.params;
    let param = params
        .iter()
        .find(|param| param.pattern.variable() == Some(id))?;
    source::secret(project, at, param.default.as_ref()?)
}

/// Fields of classes that are set from the environment.
fn fields(project: &Project<'_>, cleared: &BTreeSet<String>, report: &mut Report<'_>) {
    for (file, at) in project.files.iter().zip(0u32..) {
        for class in &file.classes {
            for field in &class.fields {
                let module = FnRef::module(at);
                let secret = field
                    .value
                    .as_ref()
                    .filter(|value| holds_it(value))
                    .and_then(|value| source::secret(project, module, value));
                if let (Some(name), false) = (secret, cleared.contains(&*field.name)) {
                    let message = format!(
                        "the field `{}` holds a credential from `{name}` as long as the object lives",
                        field.name
                    );
                    report.add(
                        At {
                            function: module,
                            span: field.span,
                        },
                        Ground::Likely(Trusted::Name),
                        message,
                    );
                }
            }
        }
    }
}

/// The body of a file, and the function that serves: their variables live as long as the process.
fn lives_long(project: &Project<'_>, at: FnRef) -> bool {
    let module = at.id == crate::facts::FnId::MODULE
        && project.surface(at.file) == crate::finding::Surface::Runtime;
    module || project.entries.iter().any(|entry| entry.at == at)
}

/// The value itself, a default beside it, or a text around it; not a test whether it is set.
fn holds_it(value: &Expr) -> bool {
    matches!(
        value.bare().kind,
        ExprKind::Member(..)
            | ExprKind::Index(..)
            | ExprKind::Logic(..)
            | ExprKind::Call(_)
            | ExprKind::Join(_)
            | ExprKind::Object(_)
    )
}

/// Whether the value is put into memory that is wiped.
fn wiped(project: &Project<'_>, at: FnRef, value: &Expr) -> bool {
    project
        .site_at(at, value)
        .is_some_and(|site| site.role == Some(Role::Wiping))
}

/// The names that anything that runs at a stop sets, fills or deletes.
fn cleared(project: &Project<'_>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for at in project.stopping() {
        let Some(function) = project.function(*at) else {
            continue;
        };
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign { target, .. } = &stmt.kind {
                all.extend(project.target_name(*at, target));
            }
        });
        for site in project.sites_of(*at) {
            let wipes = matches!(site.name(), "fill" | "zeroize" | "clear" | "pop" | "wipe");
            if wipes {
                all.extend(project.receiver_name(site));
            }
        }
    }
    all
}
