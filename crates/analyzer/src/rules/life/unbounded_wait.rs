//! Go and Rust: the code after a wait for the signal drains without a limit.

use crate::facts::{Arm, ExprKind, Language, StmtKind, walk};
use crate::finding::{Followed, Ground, Surface};
use crate::link::{Fate, Form, Project, Site};
use crate::rules::{At, Report};
use crate::vocabulary::Role;

/// `Shutdown` with a context that never ends, and waits of a branch that a signal takes.
pub(super) fn look(project: &Project<'_>, report: &mut Report<'_>) {
    let waits = project
        .hooks
        .iter()
        .any(|hook| hook.form == Form::Wait && hook.trigger.asks_to_stop());
    if !waits {
        return;
    }
    for site in project.sites() {
        if project.surface(site.at.file) == Surface::Tests {
            continue;
        }
        let endless = match project.language(site.at.file) {
            Language::Go => is_endless(project, site),
            Language::Rust => {
                is_awaited_in_arm(project, site)
                    || super::connections::wait_without_limit(project, site)
            }
            Language::TypeScript | Language::Python => false,
        };
        if endless {
            let place = At {
                function: site.at,
                span: site.span,
            };
            let message = format!("the shutdown waits for `{}` without a limit", site.name());
            report.add(place, Ground::Proved(Followed::Call), message);
        }
    }
}

/// `srv.Shutdown(context.Background())` at a stop.
fn is_endless(project: &Project<'_>, site: &Site<'_>) -> bool {
    if site.name() != "Shutdown" || !project.runs_at_stop(site) {
        return false;
    }
    let Some(context) = site.call.arg(0) else {
        return false;
    };
    let paths = project.paths(site.at, context);
    !paths.is_empty()
        && paths
            .iter()
            .all(|path| path.starts_with("context.") && !path.contains("With"))
}

/// `tracker.wait().await` in a branch of `select!` that a signal takes.
fn is_awaited_in_arm(project: &Project<'_>, site: &Site<'_>) -> bool {
    if site.role != Some(Role::Settle) || site.fate != Fate::Awaited {
        return false;
    }
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let mut found = false;
    walk::stmts(&function.body, &mut |stmt| {
        if let StmtKind::Select(arms) = &stmt.kind {
            found |= arms
                .iter()
                .any(|arm| holds(arm, site) && is_signal(project, site, arm));
        }
    });
    found
}

fn holds(arm: &Arm, site: &Site<'_>) -> bool {
    arm.body.iter().any(|stmt| stmt.span.holds(site.span))
}

fn is_signal(project: &Project<'_>, site: &Site<'_>, arm: &Arm) -> bool {
    let mut found = false;
    if let Some(test) = &arm.test {
        walk::each(test, &mut |inner| {
            if matches!(inner.kind, ExprKind::Call(_)) {
                let name = project.site_at(site.at, inner).map(Site::name);
                found |= matches!(name, Some("recv" | "ctrl_c" | "cancelled"));
            }
        });
    }
    found
}
