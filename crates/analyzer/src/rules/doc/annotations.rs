//! A tool that changes something and does not say so.

use crate::facts::Expr;
use crate::finding::{Followed, Ground, Severity, Surface, Trusted};
use crate::link::{Project, Site};
use crate::rules::effects;
use crate::rules::{At, Axis, Report, Rule};
use crate::vocabulary::Role;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "DOC-001",
    name: "missing-annotations",
    severity: Severity::Low,
    axes: &[Axis::Documentation],
    cwe: &[1059],
    summary: "A tool that changes something carries no annotations.",
    why: "Hosts decide by `destructiveHint` and `idempotentHint` what to ask the user for and what may be repeated.",
    fix: "Add `annotations` with `readOnlyHint`, `destructiveHint` and `idempotentHint`.",
    fixtures: fixtures!("DOC-001": ts, py, rs, go),
    check,
};

fn check(project: &Project<'_>, report: &mut Report<'_>) {
    let changing = effects::changing(project);
    for site in project
        .sites()
        .filter(|site| site.role == Some(Role::Responder))
    {
        let Some(name) = tool_name(project, site) else {
            continue;
        };
        let is_tool = site.name().to_lowercase().contains("tool");
        if is_tool
            && project.surface(site.at.file) == Surface::Runtime
            && effects::is_changing_name(&name)
            && !annotated(site)
        {
            let message = format!("the tool `{name}` changes something and carries no annotations");
            let finding = report.add(
                At {
                    function: site.at,
                    span: site.span,
                },
                Ground::Proved(Followed::Call),
                message,
            );
            // A name alone is a promise; what the tool does is the proof.
            let mut handlers = project.handlers.iter().filter(|one| one.site == site.id);
            if !handlers.any(|handler| changing.contains(&handler.function)) {
                finding.trusts(Trusted::Name);
            }
        }
    }
}

fn tool_name(project: &Project<'_>, site: &Site<'_>) -> Option<String> {
    if let Some(name) = site.call.option("name").and_then(Expr::text) {
        return Some(name.to_string());
    }
    if let Some(name) = site.call.arg(0).and_then(Expr::text) {
        return Some(name.to_string());
    }
    // `AddTool(NewTool("name"), f)`, `AddTool(&Tool{Name: "name"}, f)`.
    let made = site.call.args.iter().find_map(|arg| {
        let tool = arg.value.call()?;
        let name = tool.option("Name").or_else(|| tool.arg(0))?;
        name.text().cloned()
    });
    if let Some(name) = made {
        return Some(name.to_string());
    }
    // Go: a tool that is made elsewhere may have hints.
    if project.language(site.at.file) == crate::facts::Language::Go {
        return None;
    }
    // A decorated function is named as it is.
    // What its other decorators put in its place is registered with it, and is not what the tool is called after.
    let registered = || {
        project
            .handlers
            .iter()
            .filter(|handler| handler.site == site.id)
            .filter_map(|handler| project.function(handler.function))
    };
    let decorated = registered().find(|function| {
        function
            .decorators
            .iter()
            .any(|decorator| decorator.span == site.span)
    });
    decorated
        .or_else(|| registered().next())
        .map(|function| function.name.to_string())
}

/// Whether hints or annotations stand among the arguments, or may: a value that is not known.
fn annotated(site: &Site<'_>) -> bool {
    let hinted = ["annotations", "destructiveHint", "readOnlyHint"]
        .iter()
        .any(|key| {
            site.call.option(key).is_some()
                || site
                    .call
                    .args
                    .iter()
                    .any(|arg| arg.value.entry(key).is_some())
        });
    let unknown = site.call.args.iter().any(|arg| {
        matches!(
            arg.value.kind,
            crate::facts::ExprKind::Var(_)
                | crate::facts::ExprKind::Member(..)
                | crate::facts::ExprKind::Spread(_)
        ) && arg.name.is_none()
    }) && site.call.args.len() > 2;
    hinted || unknown || site.call.args.iter().any(|arg| says_hints(&arg.value))
}

/// Hints inside a value: `mcp.WithDestructiveHintAnnotation(true)`, `&mcp.Tool{Annotations: …}`, `#[tool(annotations(…))]`.
fn says_hints(value: &Expr) -> bool {
    let mut found = false;
    crate::facts::walk::each(value, &mut |inner| {
        if let crate::facts::ExprKind::Call(call) = &inner.kind {
            let name = crate::link::callee_name(&call.callee);
            found |= name.contains("Annotation")
                || name == "annotations"
                || call.option("Annotations").is_some();
        }
    });
    found
}
