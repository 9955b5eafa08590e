//! Python: servers whose SDK replaces the text of an exception that is not meant for the caller.

use std::collections::HashMap;

use crate::facts::{ExprKind, Language};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::Role;

/// Which packages have servers that replace the texts of exceptions.
pub(super) struct Masks {
    /// Whether all servers of a package do, by its number; packages without a server are not there.
    packages: HashMap<u32, Masked>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Masked {
    All,
    NotAll,
}

impl Masks {
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut packages = HashMap::new();
        for site in project.sites() {
            if site.role == Some(Role::Server)
                && project.language(site.at.file) == Language::Python
                && project.surface(site.at.file) == crate::finding::Surface::Runtime
            {
                let package = project.package_of(site.at.file);
                let known = packages.entry(package).or_insert(Masked::All);
                if !masks(site) {
                    *known = Masked::NotAll;
                }
            }
        }
        Self { packages }
    }

    /// Whether what a function raises reaches the caller as a fixed text, unless it is the SDK's own error of tools.
    /// True of `MCPServer` of version 2, and of `FastMCP(mask_error_details=True)`.
    pub(super) fn hold(&self, project: &Project<'_>, at: FnRef) -> bool {
        if project.language(at.file) != Language::Python {
            return false;
        }
        // Of all servers of the package.
        let by_all = self.packages.get(&project.package_of(at.file)) == Some(&Masked::All);
        let mut registered = project
            .outward(at)
            .filter_map(|(here, _)| project.site(project.handler(here)?.site))
            .peekable();
        if registered.peek().is_none() {
            // Below the handlers: what all servers of the package do.
            return by_all;
        }
        registered.all(|site| {
            let made = |end: &str| site.paths.iter().any(|path| path.contains(end));
            made("MCPServer()") || (made("FastMCP()") && by_all)
        })
    }
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
