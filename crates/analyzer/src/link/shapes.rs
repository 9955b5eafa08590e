//! Handlers that are known by their shape: no call registers them by name.

use super::graph::handed;
use super::responders::Responder;
use super::sites::{SiteId, callee_name};
use super::{FnRef, Project};
use crate::facts::{ExprKind, Function, Language, Pattern, StmtKind, walk};
use crate::finding::Surface;

/// Traits whose methods answer requests.
const TRAITS: &[&str] = &[
    "ServerHandler",
    "ServerHandlerCore",
    "McpHandler",
    "ToolHandler",
];

/// Methods of such traits that run the author's code on a request.
const METHODS: &[&str] = &[
    "call_tool",
    "get_prompt",
    "read_resource",
    "handle_call_tool_request",
    "handle_get_prompt_request",
    "handle_read_resource_request",
    "handle_request",
];

/// Types of the requests that Go's handlers take.
const REQUESTS: &[&str] = &[
    "CallToolRequest",
    "CallToolRequestParams",
    "GetPromptRequest",
    "ReadResourceRequest",
];

/// Types of what Rust's handlers give back: who makes one makes it for the caller.
const RESULTS: &[&str] = &["CallToolResult", "GetPromptResult", "ReadResourceResult"];

/// Rust's trait methods and functions that give a result, Go's functions that take a request, and what Python puts into a server's table of them.
pub(super) fn handlers(project: &Project<'_>) -> Vec<Responder> {
    let mut all = by_form(project);
    for (at, function) in project.functions() {
        if project.language(at.file) != Language::Python {
            continue;
        }
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Place(place),
                value: Some(value),
            } = &stmt.kind
                && let ExprKind::Index(table, _) = &place.kind
                && let ExprKind::Member(_, name) = &table.kind
                && &**name == "request_handlers"
            {
                let functions = handed(project, at, value).into_iter();
                all.extend(functions.map(|function| Responder {
                    function,
                    site: SiteId(0),
                }));
            }
        });
    }
    all
}

fn by_form(project: &Project<'_>) -> Vec<Responder> {
    project
        .functions()
        .filter(|(at, function)| match project.language(at.file) {
            Language::Rust => {
                is_trait_method(project, *at, function) || gives_result(project, *at, function)
            }
            Language::Go => takes_request(function),
            Language::TypeScript | Language::Python => false,
        })
        .filter(|(at, _)| project.surface(at.file) != Surface::Tests)
        .map(|(function, _)| Responder {
            function,
            site: SiteId(0),
        })
        .collect()
}

fn gives_result(project: &Project<'_>, at: FnRef, function: &Function) -> bool {
    let given = function.returns.as_ref();
    let given = given.and_then(|ty| project.last_name(at, ty));
    given.is_some_and(|name| RESULTS.contains(&name.as_str()))
}

fn is_trait_method(project: &Project<'_>, at: FnRef, function: &Function) -> bool {
    function.class.is_some()
        && METHODS.contains(&&*function.name)
        && project
            .class_of(at)
            .and_then(|class| project.class(class))
            .is_some_and(|class| {
                class.bases.iter().any(|base| {
                    TRAITS.contains(&callee_name(base)) || {
                        let paths = project.paths(at, base);
                        paths.iter().any(|path| {
                            let last = path.rsplit('.').next().unwrap_or(path);
                            TRAITS.contains(&last)
                        })
                    }
                })
            })
}

/// Whether a function of Go's runtime code is one by its shape.
pub(super) fn answers(project: &Project<'_>, at: FnRef, function: &Function) -> bool {
    project.language(at.file) == Language::Go
        && takes_request(function)
        && project.surface(at.file) != Surface::Tests
}

fn takes_request(function: &Function) -> bool {
    function
        .params
        .iter()
        .filter_map(|param| param.ty.as_ref())
        .any(|ty| REQUESTS.contains(&callee_name(ty)))
}
