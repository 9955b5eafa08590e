//! Python: clients of HTTP that keep connections, and whether anything closes them.

use crate::facts::Language;
use crate::link::{Closers, Project, Site};
use crate::vocabulary::{Role, functions};

/// Whether a call makes such a client, of a library that asks for a close.
pub(super) fn is_one(project: &Project<'_>, site: &Site<'_>) -> bool {
    project.language(site.at.file) == Language::Python
        && matches!(site.role, Some(Role::Client(..)))
        && site.paths.iter().any(|path| functions::wants_close(path))
}

/// The calls that close something, by what they close.
pub(super) fn closers(project: &Project<'_>) -> Closers {
    let closing = project.sites().filter(|site| Project::is_closing(site));
    Closers::of(project, closing)
}

/// Whether anything that may run closes it: at whatever time, since a close that is skipped loses little.
pub(super) fn is_closed(project: &Project<'_>, client: &Site<'_>, closers: &Closers) -> bool {
    let closing = closers.closing(project, client);
    let mut closing = closing.into_iter().filter_map(|id| project.site(id));
    closing.any(|site| may_run(project, site))
}

/// Whether the function that a close stands in is asked for by anyone: `async with` asks for what has two underscores.
fn may_run(project: &Project<'_>, site: &Site<'_>) -> bool {
    let Some(function) = project.function(site.at) else {
        return false;
    };
    let by_name = |name: &str| {
        let mut sites = project.sites_beside(site.at.file);
        sites.any(|other| other.name() == name && other.at != site.at && other.targets.is_empty())
    };
    function.parent.is_none()
        || function.name.starts_with("__")
        || !project.callers(site.at).is_empty()
        || project.handler_reach().contains(&site.at)
        || project.is_cleanup(site)
        || (function.class.is_some() && by_name(&function.name))
}
