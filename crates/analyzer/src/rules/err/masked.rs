//! Python: servers whose SDK replaces the text of an exception that is not meant for the caller.

use crate::facts::{ExprKind, Language};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::Role;

/// Whether what a function raises reaches the caller as a fixed text, unless it is the SDK's own error of tools.
/// True of `MCPServer` of version 2, and of `FastMCP(mask_error_details=True)`.
pub(super) fn is_masked(project: &Project<'_>, at: FnRef) -> bool {
    if project.language(at.file) != Language::Python {
        return false;
    }
    let registered: Vec<&Site<'_>> = project
        .handlers
        .iter()
        .filter(|handler| {
            project
                .outward(at)
                .any(|(here, _)| here == handler.function)
        })
        .filter_map(|handler| project.site(handler.site))
        .collect();
    if registered.is_empty() {
        // Below the handlers: what all servers of the package do.
        let mut servers = servers(project, at).peekable();
        return servers.peek().is_some() && servers.all(masks);
    }
    registered.iter().all(|site| {
        let made = |end: &str| site.paths.iter().any(|path| path.contains(end));
        made("MCPServer()")
            || (made("FastMCP()")
                && servers(project, at).all(masks)
                && servers(project, at).next().is_some())
    })
}

/// The servers of tools that are made in the package of a function.
fn servers<'p, 'a>(project: &'p Project<'a>, at: FnRef) -> impl Iterator<Item = &'p Site<'a>> {
    project.sites.iter().filter(move |site| {
        site.role == Some(Role::Server)
            && project.language(site.at.file) == Language::Python
            && project.same_package(site.at.file, at.file)
            && project.surface(site.at.file) == crate::finding::Surface::Runtime
    })
}

fn masks(server: &Site<'_>) -> bool {
    let name = server.name();
    name == "MCPServer"
        || (name == "FastMCP"
            && server
                .call
                .option("mask_error_details")
                .is_some_and(|value| matches!(value.kind, ExprKind::Bool(true))))
}
