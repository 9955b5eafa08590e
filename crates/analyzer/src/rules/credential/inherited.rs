//! A child that gets every secret of its parent.

use crate::facts::{ExprKind, Language, StmtKind, walk};
use crate::finding::{Ground, Severity, Trusted};
use crate::link::{Project, Site};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

use super::source;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "CRED-004",
    name: "child-inherits-secrets",
    severity: Severity::Medium,
    axes: &[Axis::Credentials],
    cwe: &[526, 214],
    summary: "A child process is given the whole environment, with the secrets that the server reads from it.",
    why: "Whatever the child runs, and whatever that starts, can read every token of the server.",
    fix: "Give the child an environment of its own with what it needs.",
    fixtures: fixtures!("CRED-004": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let reads: Vec<(u32, String)> = project
        .functions()
        .filter_map(|(at, function)| {
            let mut found = None;
            walk::exprs(&function.body, &mut |expr| {
                if found.is_none() {
                    found = source::secret(project, at, expr);
                }
            });
            Some((at.file, found?))
        })
        .collect();
    if reads.is_empty() {
        return;
    }
    let reading = project.programs_of(reads.iter().map(|(file, _)| *file));
    for site in project.sites() {
        if !matches!(site.role, Some(Role::Spawn(_)))
            || project.surface(site.at.file) != crate::finding::Surface::Runtime
        {
            continue;
        }
        let first = project.first_of(site.at.file, &reading);
        let read = first.and_then(|first| reads.get(first));
        let Some((_, secret)) = read else {
            continue;
        };
        let environment = site.call.option("env");
        let whole = environment.is_some_and(|value| {
            let mut found = source::is_environment(value);
            walk::each(value, &mut |expr| {
                if let ExprKind::Spread(inner) = &expr.kind {
                    found |= source::is_environment(inner);
                }
            });
            found
                || source::paths(project, site.at, value)
                    .iter()
                    .any(|path| path.ends_with("environ.copy()"))
        });
        // Options that are not known may hold an environment; a chain of a builder may clear it.
        let unknown = environment.is_none()
            && site.call.args.iter().skip(1).any(|arg| {
                matches!(
                    arg.value.kind,
                    ExprKind::Var(_) | ExprKind::Spread(_) | ExprKind::Call(_)
                )
            });
        let inherits = environment.is_none()
            && !unknown
            && matches!(
                project.language(site.at.file),
                Language::TypeScript | Language::Python
            );
        let inherits = inherits || gives_all(project, site);
        if whole || inherits {
            let message = format!("this child inherits the whole environment, `{secret}` included");
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                Ground::Likely(Trusted::Name),
                message,
            );
        }
    }
}

/// Go and Rust give a child the whole environment unless it is given another: `cmd.Env = …`, `.env_clear()`.
fn gives_all(project: &Project<'_>, site: &Site<'_>) -> bool {
    let language = project.language(site.at.file);
    if !matches!(language, Language::Go | Language::Rust) {
        return false;
    }
    let cleared = project
        .sites_of(site.at)
        .any(|other| other.name() == "env_clear");
    let mut given = false;
    if let Some(function) = project.function(site.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
            {
                // `append(os.Environ(), …)` is still the whole.
                let whole = project
                    .names_in(site.at, value)
                    .iter()
                    .any(|name| name == "Environ");
                given |= project.target_name(site.at, target).as_deref() == Some("Env") && !whole;
            }
        });
    }
    !cleared && !given
}
