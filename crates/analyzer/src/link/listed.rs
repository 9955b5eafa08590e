//! Python: tools that stand in lists of the package and are registered one by one: `for tool in chosen(TOOLS): mcp.add_tool(tool)`.

use crate::facts::{Expr, ExprKind, Language, Pattern, StmtKind, walk};
use crate::finding::Surface;
use crate::vocabulary::{Role, words};

use super::decorated::gives_registration;
use super::graph::handed;
use super::responders::Responder;
use super::{FnRef, Project, Site, Value};

/// How many functions make a list of tools.
const SEVERAL: usize = 2;

/// The functions of lists that are called after tools, where something is registered of which no more is known.
pub(super) fn handlers(project: &Project<'_>) -> Vec<Responder> {
    let open: Vec<&Site<'_>> = project
        .sites
        .iter()
        .filter(|site| project.language(site.at.file) == Language::Python)
        .filter(|site| site.role == Some(Role::Responder) || gives_registration(project, site))
        .filter(|site| is_open(project, site))
        .collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (file, at) in project.files.iter().zip(0u32..) {
        let site = open
            .iter()
            .find(|site| project.same_package(site.at.file, at));
        let (Some(site), Some(body)) = (site, project.function(FnRef::module(at))) else {
            continue;
        };
        if file.language != Language::Python || project.surface(at) == Surface::Tests {
            continue;
        }
        walk::stmts(&body.body, &mut |stmt| {
            if let StmtKind::Assign {
                target: Pattern::Var(id),
                value: Some(value),
            } = &stmt.kind
                && let Some(variable) = project.variable(FnRef::module(at).variable(*id))
                && words::words(&variable.name)
                    .iter()
                    .any(|word| matches!(word.as_str(), "tool" | "tools"))
                && let Some(tools) = functions(project, FnRef::module(at), value)
            {
                all.extend(tools.into_iter().map(|function| Responder {
                    function,
                    site: site.id,
                }));
            }
        });
    }
    all
}

/// Whether a registration is given something of which no more is known than its name.
fn is_open(project: &Project<'_>, site: &Site<'_>) -> bool {
    site.call.arg(0).is_some_and(|tool| {
        matches!(tool.bare().kind, ExprKind::Var(_)) && handed(project, site.at, tool).is_empty()
    })
}

/// The functions of a list or table that has nothing else.
fn functions<'a>(project: &Project<'a>, at: FnRef, value: &'a Expr) -> Option<Vec<FnRef>> {
    let items: Vec<&Expr> = if let ExprKind::List(items) = &value.kind {
        items.iter().collect()
    } else if let ExprKind::Object(entries) = &value.kind {
        entries.iter().map(|entry| &entry.value).collect()
    } else {
        return None;
    };
    let mut all = Vec::new();
    for item in &items {
        let values = project.values(at, item);
        all.push(values.iter().find_map(Value::function)?);
    }
    (all.len() >= SEVERAL).then_some(all)
}
