//! Children that a function gives back, and that each of its callers ends with its own call.

use crate::facts::{StmtKind, walk};
use crate::link::{FnRef, Project, Site};

use super::child_not_killed::kept_under;

/// Callers of one function that are looked at; one that has more is not judged by them.
const MAX_CALLERS: usize = 16;

/// Whether the function of a call gives back what it opened, and everybody who asks it for that ends it in a `finally` or a
/// `defer`: itself, or by a function of the project that ends what it is given.
pub(super) fn ended_by_callers<'a>(project: &Project<'a>, opened: &Site<'a>) -> bool {
    let callers = project.callers(opened.at);
    let handlers = project.handler_reach();
    (1..=MAX_CALLERS).contains(&callers.len())
        && gives_back(project, opened)
        && callers.iter().all(|id| {
            project
                .site(*id)
                .is_some_and(|asked| handlers.contains(&asked.at) && is_ended(project, asked))
        })
}

/// Whether a function gives back what a call in it opened, `return await open()` as well.
fn gives_back<'a>(project: &Project<'a>, opened: &Site<'a>) -> bool {
    let mut found = project.gives_back(opened);
    if let Some(function) = project.function(opened.at) {
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                found |= value.bare().span == opened.span;
            }
        });
    }
    found
}

fn is_ended<'a>(project: &Project<'a>, asked: &Site<'a>) -> bool {
    let names = kept_under(project, asked);
    let is_it = |name: Option<String>| name.is_some_and(|name| names.contains(&name));
    let mut cleanups = project
        .sites_of(asked.at)
        .filter(|site| project.is_cleanup(site));
    cleanups.any(|site| {
        (Project::is_closing(site) && is_it(project.receiver_name(site))) || {
            let mut given = site.call.args.iter().zip(0..);
            given.any(|(arg, place)| {
                is_it(project.last_name(site.at, &arg.value))
                    && site
                        .targets
                        .iter()
                        .any(|function| ends_argument(project, *function, place))
            })
        }
    })
}

/// Whether a function ends what it is given at a place.
fn ends_argument(project: &Project<'_>, at: FnRef, place: usize) -> bool {
    let params = project
        .function(at)
        .map_or(&[][..], |function| &function.params);
    let param = params.get(place).and_then(|param| param.pattern.variable());
    let name = param.and_then(|id| project.name_of(at.variable(id)));
    name.is_some_and(|name| {
        project.sites_of(at).any(|site| {
            Project::is_closing(site)
                && project.receiver_name(site).as_deref() == Some(name.as_str())
        })
    })
}
