//! An exit that skips what was deferred.

use crate::facts::{Language, StmtKind, walk};
use crate::finding::Severity;
use crate::link::Project;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::{Kind, Role};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "LIFE-013",
    name: "defer-skipped-by-exit",
    severity: Severity::High,
    axes: &[Axis::Reliability],
    cwe: &[705, 459],
    summary: "The process exits in a function whose deferred clean-up then never runs.",
    why: "`os.Exit`, `log.Fatal`, `process::exit` and `os._exit` end the process at once: no `defer`, no `Drop`, no `finally`. Pools stay open, buffers are lost.",
    fix: "Return an error from `main`'s helper and exit in `main` only, where nothing is deferred.",
    fixtures: fixtures!("LIFE-013": go, rs),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    for (at, function) in project.functions() {
        let mut deferred = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Defer(_) = &stmt.kind {
                deferred.push(stmt.span)
            } else if let StmtKind::Try { finally, .. } = &stmt.kind
                && !finally.is_empty()
                && project.language(at.file) == Language::Python
            {
                deferred.push(stmt.span)
            }
        });
        if project.language(at.file) == Language::Rust {
            deferred.extend(
                project
                    .sites_of(at)
                    .filter(|site| {
                        matches!(
                            site.role,
                            Some(Role::Open(Kind::Pool | Kind::LogBuffer | Kind::Telemetry))
                        )
                    })
                    .map(|site| site.span),
            );
        }
        for site in project.sites_of(at) {
            let live = deferred
                .iter()
                .find(|span| match project.language(at.file) {
                    Language::Python => span.holds(site.span),
                    Language::TypeScript | Language::Rust | Language::Go => {
                        span.end <= site.span.start
                    }
                });
            if let (Some(Role::Exit), Some(span)) = (site.role, live) {
                let place = At {
                    function: at,
                    span: site.span,
                };
                report
                    .add(place, format!("`{}` ends the process here, and the clean-up of this function never runs", site.name()))
                    .via(project, At { function: at, span: *span }, "the clean-up that is skipped");
            }
        }
    }
}
