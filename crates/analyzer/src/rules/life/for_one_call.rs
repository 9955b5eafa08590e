//! Children that a call waits for without a limit, and that nothing ends with the server.

use crate::facts::Language;
use crate::link::{Programs, Project, Site};
use crate::rules::outbound::bounds::{is_bounded, of_role};
use crate::vocabulary::{Limit, Role};

/// Whether a child that a call waits for goes on after a signal: in Go one that no context ends, in Python one that only the
/// loop of events knows, where no handler of SIGTERM stands in the programs given.
pub(super) fn is_left(project: &Project<'_>, child: &Site<'_>, handled: &Programs) -> bool {
    if is_ended(project, child) {
        return false;
    }
    match project.language(child.at.file) {
        Language::Go => {
            let mut paths = child.paths.iter();
            paths.any(|path| path.contains("os/exec.Command()") || path.contains("os/exec.Cmd()"))
                && !is_bounded(project, child, of_role(child).unwrap_or(Limit::Nothing))
        }
        Language::Python => !project.is_of(child.at.file, handled) && waits(project, child),
        Language::TypeScript | Language::Rust => false,
    }
}

/// Whether its function, or a closure in it, kills something or ends it.
fn is_ended(project: &Project<'_>, child: &Site<'_>) -> bool {
    project.inside(child.at).iter().any(|at| {
        project.sites_of(*at).any(|site| {
            site.role == Some(Role::Kill)
                || matches!(
                    site.name(),
                    "kill" | "terminate" | "send_signal" | "Kill" | "Signal"
                )
        })
    })
}

/// Whether the function waits for its end, and for as long as it takes.
fn waits(project: &Project<'_>, child: &Site<'_>) -> bool {
    let mut waits = project.sites_of(child.at).filter(|site| {
        matches!(site.name(), "communicate" | "wait") && site.span.start > child.span.start
    });
    let is_of_child = child
        .paths
        .iter()
        .any(|path| path.contains("create_subprocess") || path.ends_with(".Popen"));
    is_of_child
        && waits.any(|wait| {
            wait.call.option("timeout").is_none()
                && !is_bounded(project, wait, of_role(wait).unwrap_or(Limit::Nothing))
        })
}
