//! One failed source loses the others' answers.

use crate::facts::{Expr, ExprKind, Language, StmtKind, walk};
use crate::finding::{Followed, Ground, Severity};
use crate::link::{FnRef, Project, Site};
use crate::rules::effects;
use crate::rules::outbound::bounds;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AGG-001",
    name: "all-or-nothing",
    severity: Severity::Low,
    axes: &[Axis::Reliability],
    cwe: &[755],
    summary: "Several independent sources are read together, and one failure loses them all.",
    why: "The answers that did come are thrown away, where a part with a warning would have served.",
    fix: "Settle each source by itself (`Promise.allSettled`) and say in the result which one is missing.",
    fixtures: fixtures!("AGG-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites().filter(|site| site.role == Some(Role::All)) {
        if !project.handler_reach().contains(&site.at) {
            continue;
        }
        let sources = match project.language(site.at.file) {
            Language::Go => grouped(project, site),
            Language::TypeScript => {
                let list = site.call.arg(0);
                list.map_or(0, |list| {
                    among(project, site.at, parts(project, site.at, list))
                })
            }
            Language::Python => gathered(project, site),
            // `try_join!(weather(), news())`.
            Language::Rust => {
                let args = site.call.args.iter();
                among(project, site.at, args.map(|arg| &arg.value))
            }
        };
        if sources >= 2 {
            let message = format!(
                "{sources} sources are read together, and the failure of one loses the others' answers"
            );
            report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                Ground::Proved(Followed::Call),
                message,
            );
        }
    }
}

/// The sources that `asyncio.gather` is given, unless it keeps what came: `return_exceptions=True`.
fn gathered(project: &Project<'_>, site: &Site<'_>) -> usize {
    let keeps = site
        .call
        .option("return_exceptions")
        .is_some_and(|value| !matches!(value.kind, ExprKind::Bool(false)));
    if keeps {
        return 0;
    }
    let args = site.call.args.iter().filter(|arg| arg.name.is_none());
    let all = args.flat_map(|arg| {
        if let ExprKind::Spread(list) = &arg.value.kind {
            parts(project, site.at, list)
        } else {
            vec![&arg.value]
        }
    });
    among(project, site.at, all)
}

/// The items of a list, also of one in a variable.
fn parts<'a>(project: &Project<'a>, at: FnRef, list: &'a Expr) -> Vec<&'a Expr> {
    if let ExprKind::List(parts) = &list.kind {
        return parts.iter().collect();
    }
    let ExprKind::Var(id) = list.kind else {
        return Vec::new();
    };
    let mut set = project.assigned(at.variable(id));
    let only = set
        .next()
        .filter(|(here, _)| *here == at && set.next().is_none());
    if let Some((
        _,
        Expr {
            kind: ExprKind::List(parts),
            ..
        },
    )) = only
    {
        parts.iter().collect()
    } else {
        Vec::new()
    }
}

/// The sources among some calls.
fn among<'a>(project: &Project<'a>, at: FnRef, all: impl IntoIterator<Item = &'a Expr>) -> usize {
    all.into_iter()
        .filter_map(|part| project.site_at(at, part))
        .filter(|part| reads(project, part))
        .count()
}

/// The functions given to an `errgroup` that read from a remote end and give its error back.
fn grouped(project: &Project<'_>, wait: &Site<'_>) -> usize {
    let group = project.receiver_name(wait);
    project
        .sites_of(wait.at)
        .filter(|site| site.name() == "Go" && project.receiver_name(site) == group)
        .filter_map(|site| match site.call.arg(0).map(|arg| &arg.kind) {
            Some(ExprKind::Function(id)) => Some(wait.at.beside(*id)),
            Some(_) | None => None,
        })
        .filter(|function| {
            let reached = project.reach(&[*function]);
            let reads = reached.iter().any(|at| {
                project
                    .sites_of(*at)
                    .any(|site| bounds::of_role(site).is_some() && !effects::posts(site))
            });
            reads && gives_errors(project, *function)
        })
        .count()
}

/// Whether a function returns anything but `nil`.
fn gives_errors(project: &Project<'_>, at: FnRef) -> bool {
    let mut found = false;
    if let Some(function) = project.function(at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                found |= !matches!(value.kind, ExprKind::Null);
            }
        });
    }
    found
}

/// Whether a call reads from a remote end, by itself or through the functions that it calls, and catches nothing.
fn reads(project: &Project<'_>, site: &Site<'_>) -> bool {
    if site.name() == "catch" {
        return false;
    }
    if bounds::of_role(site).is_some() {
        return !effects::posts(site);
    }
    let reach = project.reach(&site.targets);
    !site.targets.is_empty()
        && reach.iter().any(|at| {
            project
                .sites_of(*at)
                .any(|inner| bounds::of_role(inner).is_some() && !effects::posts(inner))
        })
        && !project
            .failures
            .iter()
            .any(|failure| site.targets.contains(&failure.at))
}
