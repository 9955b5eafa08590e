//! The functions that answer requests: registered, or decorated.

use std::collections::BTreeSet;

use crate::facts::Language;
use crate::vocabulary::{self, Role};

use super::decorated::{gives_registration, registers, wrappers};
use super::graph::handed;
use super::sites::SiteId;
use super::{FnRef, Project, Value};

/// A function that answers requests.
#[derive(Debug, Clone)]
pub struct Responder {
    /// The function.
    pub function: FnRef,
    /// The call or decorator that registers it.
    pub site: SiteId,
}

/// The functions that answer requests: registered, or decorated.
pub(super) fn handlers(project: &Project<'_>) -> Vec<Responder> {
    let mut all = Vec::new();
    for site in project.sites() {
        // A server of Python's low-level SDK gets its handlers by name: `on_call_tool=f`.
        let by_name = match site.role {
            Some(Role::Responder) => None,
            Some(Role::Server) => Some("on_"),
            // `mcp.tool()(f)`: what registering by a decorator gives is called.
            None if gives_registration(project, site) => None,
            None if super::described::is_offer(project, site) => None,
            Some(_) | None => continue,
        };
        for arg in &site.call.args {
            if let Some(start) = by_name
                && !arg
                    .name
                    .as_ref()
                    .is_some_and(|name| name.starts_with(start))
            {
                continue;
            }
            let mut functions = handed(project, site.at, &arg.value);
            functions.extend(super::registrars::made(project, site.at, &arg.value));
            if arg.value.call().is_some() {
                // `AddTool(tool, newHandler(client))`: what the call gives.
                let values = project.values(site.at, &arg.value);
                functions.extend(values.iter().filter_map(Value::function));
            }
            for function in functions {
                all.push(Responder {
                    function,
                    site: site.id,
                });
            }
        }
    }
    for (at, function) in project.functions() {
        for decorator in &function.decorators {
            let outer = project.decorated_in(at);
            let callee = decorator.call().map_or(decorator, |call| &call.callee);
            let language = project.language(at.file);
            let is_handler = project
                .paths(outer, callee)
                .iter()
                .any(|path| vocabulary::role(language, path) == Some(Role::Responder))
                || (language == Language::Python && registers(project, outer, callee));
            if is_handler {
                let site = project.site_index.get(&(outer, decorator.span)).copied();
                let site = site.unwrap_or(SiteId(0));
                all.push(Responder { function: at, site });
            }
        }
    }
    all.extend(super::registrars::handlers(project));
    all.extend(super::listed::handlers(project));
    let wrapped: Vec<Responder> = all
        .iter()
        .flat_map(|handler| {
            let functions = wrappers(project, handler.function);
            functions.into_iter().map(|function| Responder {
                function,
                site: handler.site,
            })
        })
        .collect();
    all.extend(wrapped);
    all.extend(super::shapes::handlers(project));
    all.sort_by_key(|handler| handler.function);
    all.dedup_by_key(|handler| handler.function);
    all
}

pub(super) fn answering(project: &Project<'_>) -> BTreeSet<FnRef> {
    let handlers = project.handlers.iter().map(|handler| handler.function);
    let by_hand = project.dispatchers.iter().copied();
    let roots: Vec<FnRef> = handlers.chain(by_hand).collect();
    project.reach(&roots)
}

impl Project<'_> {
    /// The functions that a handler may run, handlers included.
    pub fn handler_reach(&self) -> &BTreeSet<FnRef> {
        &self.answering
    }

    /// Whether a function is a handler, or stands inside one.
    pub fn is_handler(&self, at: FnRef) -> bool {
        self.outward(at)
            .any(|(here, _)| self.handler(here).is_some())
    }

    /// The handler that a function is.
    pub fn handler(&self, at: FnRef) -> Option<&Responder> {
        let place = self.handlers.binary_search_by_key(&at, |one| one.function);
        self.handlers.get(place.ok()?)
    }
}
