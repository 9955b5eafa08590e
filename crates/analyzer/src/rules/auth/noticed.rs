//! A failed check that is noticed as an event: `request.on("error", () => resolve(true))`.

use crate::facts::{Expr, Language};
use crate::link::Project;
use crate::rules::{At, Report};

use super::permit;

/// Events that tell that something failed.
const FAILURES: &[&str] = &["error", "timeout", "abort", "aborted"];

pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    for site in project.sites() {
        let registers = matches!(
            site.name(),
            "on" | "once" | "addEventListener" | "addListener"
        ) && project.language(site.at.file) == Language::TypeScript;
        let event = site.call.arg(0).and_then(Expr::text);
        if !registers || !event.is_some_and(|event| FAILURES.contains(&&**event)) {
            continue;
        }
        let Some(authority) = permit::authority_around(project, site.at) else {
            continue;
        };
        for function in project.runs_of(site.id) {
            let Some(code) = project.function(*function) else {
                continue;
            };
            for stmt in permit::permitting(project, authority, &code.body) {
                let place = At {
                    function: *function,
                    span: stmt.span,
                };
                report.add(
                    place,
                    permit::ground(project, authority),
                    "when the check itself fails, this permits",
                );
            }
        }
    }
}
