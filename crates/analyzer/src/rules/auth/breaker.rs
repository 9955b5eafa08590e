//! A breaker that permits when it is open.

use crate::facts::StmtKind;
use crate::finding::Severity;
use crate::link::{Project, Value};
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Role, words};

use super::permit;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "AUTH-006",
    name: "breaker-open-permits",
    severity: Severity::High,
    axes: &[Axis::Security],
    cwe: &[636],
    summary: "The fallback of a breaker in front of a check of access permits.",
    why: "Whoever brings the check down, by load or by luck, is let in while the breaker is open.",
    fix: "Let the fallback deny; a cached permit needs an age limit.",
    fixtures: fixtures!("AUTH-006": ts),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project
        .sites
        .iter()
        .filter(|site| site.name() == "fallback")
    {
        let on_breaker = site.paths.iter().any(|path| {
            crate::vocabulary::role(
                project.language(site.at.file),
                path.rsplit_once("()").map_or("", |(base, _)| base),
            ) == Some(Role::Breaker)
        });
        let guards = project.sites.iter().any(|made| {
            made.role == Some(Role::Breaker)
                && made.at.file == site.at.file
                && made.call.args.iter().any(|arg| {
                    project
                        .last_name(made.at, &arg.value)
                        .is_some_and(|name| words::is_authority(&name))
                })
        });
        let Some(fallback) = site.call.arg(0) else {
            continue;
        };
        if !on_breaker || !guards {
            continue;
        }
        for value in project.values(site.at, fallback) {
            let Value::Function(function) = value else {
                continue;
            };
            let Some(code) = project.function(function) else {
                continue;
            };
            for stmt in permit::permitting(project, function, &code.body) {
                if matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Value(_)) {
                    report.add(
                        At {
                            function,
                            span: stmt.span,
                        },
                        "while the breaker is open, access is permitted",
                    );
                }
            }
        }
    }
}
