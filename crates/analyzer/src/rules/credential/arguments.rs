//! The arguments of a call as a whole: what the caller typed, passwords and tokens included.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Language, Logic, Pattern, StmtKind, VarId, walk};
use crate::link::{FnRef, Project, VarRef};

/// Functions in a row that the arguments are handed on to.
const MAX_CALLS: usize = 3;

/// Names of Python's parameters that hold all arguments of a call.
const NAMES: &[&str] = &["arguments", "args", "kwargs"];

/// The variables that hold all arguments of a call, or the request with them.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    whole: BTreeSet<VarRef>,
    requests: BTreeSet<VarRef>,
    /// Requests over HTTP that have a message of the protocol as their body.
    posts: BTreeSet<VarRef>,
}

/// Types of a call with its arguments, in Go and Rust.
const CALLS: &[&str] = &[
    "CallToolRequest",
    "CallToolRequestParam",
    "CallToolRequestParams",
    "CallToolParams",
    "CallToolParamsRaw",
];

impl Arguments {
    /// Follows them from the handlers down.
    pub(super) fn of(project: &Project<'_>) -> Self {
        let mut all = Self::default();
        let mut level: Vec<FnRef> = Vec::new();
        for handler in &project.handlers {
            if all.begin(project, handler.function, handler.site) {
                level.push(handler.function);
            }
        }
        level.extend(all.typed(project));
        level.extend(all.posted(project));
        for _ in 0..MAX_CALLS {
            let mut next = Vec::new();
            for inner in level.into_iter().flat_map(|at| project.inside(at)) {
                all.kept(project, inner);
                all.handed_on(project, inner, &mut next);
            }
            level = next;
        }
        all
    }

    fn begin(&mut self, project: &Project<'_>, at: FnRef, site: crate::link::SiteId) -> bool {
        let Some(function) = project.function(at) else {
            return false;
        };
        let registered = project.site(site).map_or("", |site| site.name());
        let params = function.params.iter();
        let mut vars = params.filter_map(|param| param.pattern.variable());
        match project.language(at.file) {
            Language::TypeScript => {
                let Some(id) = vars.next() else { return false };
                if registered == "setRequestHandler" {
                    self.requests.insert(at.variable(id));
                } else if matches!(registered, "tool" | "registerTool" | "addTool") {
                    self.whole.insert(at.variable(id));
                }
                true
            }
            Language::Python => {
                let named = |id: &VarId| {
                    let variable = project.variable(at.variable(*id));
                    variable.is_some_and(|variable| NAMES.contains(&&*variable.name))
                };
                self.whole
                    .extend(vars.filter(named).map(|id| at.variable(id)));
                true
            }
            Language::Rust | Language::Go => false,
        }
    }

    /// Parameters that are a call by their written type.
    fn typed(&mut self, project: &Project<'_>) -> Vec<FnRef> {
        let mut all = Vec::new();
        for (at, function) in project.functions() {
            if !matches!(project.language(at.file), Language::Rust | Language::Go) {
                continue;
            }
            for param in &function.params {
                let mut is_call = false;
                if let Some(ty) = &param.ty {
                    walk::each(ty, &mut |part| {
                        let name = project.last_name(at, part);
                        is_call |= name.is_some_and(|name| CALLS.contains(&&*name));
                    });
                }
                if let Some(id) = param.pattern.variable().filter(|_| is_call) {
                    self.requests.insert(at.variable(id));
                    all.push(at);
                }
            }
        }
        all
    }

    /// `app.post("/mcp", (req, res) => …)`: what is posted is a message of the protocol.
    fn posted(&mut self, project: &Project<'_>) -> Vec<FnRef> {
        let mut all = Vec::new();
        for site in project.sites() {
            let is_route = matches!(site.name(), "post" | "all" | "use")
                && project.language(site.at.file) == Language::TypeScript
                && site.call.arg(0).and_then(Expr::text).is_some_and(|path| {
                    ["mcp", "message", "rpc"]
                        .iter()
                        .any(|part| path.contains(part))
                });
            for arg in site.call.args.iter().filter(|_| is_route) {
                let ExprKind::Function(id) = arg.value.kind else {
                    continue;
                };
                let at = site.at.beside(id);
                let params = project.function(at).map_or(&[][..], |code| &code.params);
                let first = params.first().and_then(|param| param.pattern.variable());
                if let Some(id) = first.filter(|_| params.len() > 1) {
                    self.posts.insert(at.variable(id));
                    all.push(at);
                }
            }
        }
        all
    }

    /// `const args = request.params.arguments`, `const { arguments: args } = request.params`.
    fn kept(&mut self, project: &Project<'_>, at: FnRef) {
        let Some(function) = project.function(at) else {
            return;
        };
        walk::stmts(&function.body, &mut |stmt| {
            if let StmtKind::Assign {
                target,
                value: Some(value),
            } = &stmt.kind
            {
                self.set(at, target, value);
            }
        });
        walk::exprs(&function.body, &mut |expr| {
            if let ExprKind::Assign(target, value) = &expr.kind {
                self.set(at, target, value);
            }
        });
    }

    fn set(&mut self, at: FnRef, target: &Pattern, value: &Expr) {
        if let Pattern::Var(id) = target
            && self.holds(at, value)
        {
            self.whole.insert(at.variable(*id));
        }
        if let Pattern::Object(parts) = target
            && self.is_params(at, value)
        {
            let part = parts.iter().find(|(name, _)| &**name == "arguments");
            let id = part.and_then(|(_, part)| part.variable());
            self.whole.extend(id.map(|id| at.variable(id)));
        }
    }

    fn handed_on(&mut self, project: &Project<'_>, at: FnRef, next: &mut Vec<FnRef>) {
        for site in project.sites_of(at) {
            for target in &site.targets {
                let Some(function) = project.function(*target) else {
                    continue;
                };
                for (arg, param) in site.call.args.iter().zip(&function.params) {
                    let Some(id) = param.pattern.variable() else {
                        continue;
                    };
                    if arg.name.is_none()
                        && self.holds(at, &arg.value)
                        && self.whole.insert(target.variable(id))
                    {
                        next.push(*target);
                    }
                }
            }
        }
    }

    /// Whether an expression is all arguments of a call, or the request with them.
    pub(super) fn holds(&self, at: FnRef, expr: &Expr) -> bool {
        if let ExprKind::Var(id) = expr.kind {
            let variable = at.variable(id);
            return self.whole.contains(&variable) || self.requests.contains(&variable);
        }
        if let ExprKind::Logic(Logic::Or | Logic::Coalesce, left, _) = &expr.kind {
            return self.holds(at, left);
        }
        if let ExprKind::Choice(_, then, otherwise) = &expr.kind {
            return self.holds(at, then) || self.holds(at, otherwise);
        }
        if let ExprKind::Member(object, name) = &expr.kind {
            let is_body = &**name == "body"
                && matches!(object.kind, ExprKind::Var(id) if self.posts.contains(&at.variable(id)));
            let is_arguments = matches!(&**name, "arguments" | "Arguments");
            return is_body
                || (is_arguments && (self.is_params(at, object) || self.is_request(at, object)));
        }
        // Go: `request.GetArguments()`.
        expr.call().is_some_and(|call| {
            let name = crate::link::callee_name(&call.callee);
            matches!(name, "GetArguments" | "GetRawArguments")
                && call
                    .receiver()
                    .is_some_and(|object| self.is_request(at, object))
        })
    }

    fn is_request(&self, at: FnRef, expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Var(id) if self.requests.contains(&at.variable(id)))
    }

    /// `request.params`.
    fn is_params(&self, at: FnRef, expr: &Expr) -> bool {
        let ExprKind::Member(object, name) = &expr.kind else {
            return false;
        };
        matches!(&**name, "params" | "Params") && self.is_request(at, object)
    }
}
