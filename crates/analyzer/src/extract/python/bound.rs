//! The names that a body binds, found before the body is read: a name is local to the whole of a function.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most forms of the parser's tree are one case here"
)]

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{ExceptHandler, Expr, ExprContext, Pattern, Stmt};
use ruff_text_size::TextRange;

/// Names of one body, in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Bound<'a> {
    /// Names that it binds.
    pub(super) local: Vec<(&'a str, TextRange)>,
    /// Names that it declares to be the file's.
    pub(super) global: Vec<(&'a str, TextRange)>,
    /// Names that it declares to be of a function around.
    pub(super) outer: Vec<&'a str>,
}

/// The names bound by the statements of one function, class or file, without those of functions and classes inside.
pub(super) fn names(body: &[Stmt]) -> Bound<'_> {
    let mut bound = Bound::default();
    bound.visit_body(body);
    bound
}

impl<'a> Visitor<'a> for Bound<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.local.push((def.name.as_str(), def.name.range));
                // Defaults and decorators are evaluated here; the body is not.
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
            }
            Stmt::ClassDef(def) => {
                self.local.push((def.name.as_str(), def.name.range));
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let (name, range) = imported(alias);
                    self.local.push((name, range));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    if alias.name.as_str() != "*" {
                        self.local.push(imported(alias));
                    }
                }
            }
            Stmt::Global(names) => {
                self.global
                    .extend(names.names.iter().map(|name| (name.as_str(), name.range)));
            }
            Stmt::Nonlocal(names) => {
                self.outer
                    .extend(names.names.iter().map(|name| name.as_str()));
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if name.ctx == ExprContext::Store => {
                self.local.push((name.id.as_str(), name.range));
            }
            Expr::Lambda(_) => {}
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_comprehension(&mut self, comprehension: &'a ruff_python_ast::Comprehension) {
        // The target belongs to the comprehension.
        self.visit_expr(&comprehension.iter);
        for test in &comprehension.ifs {
            self.visit_expr(test);
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        // The caught name belongs to the handler.
        let ExceptHandler::ExceptHandler(handler) = handler;
        if let Some(types) = &handler.type_ {
            self.visit_expr(types);
        }
        self.visit_body(&handler.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(p) => p.name.as_ref(),
            Pattern::MatchStar(p) => p.name.as_ref(),
            Pattern::MatchMapping(p) => p.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.local.push((name.as_str(), name.range));
        }
        visitor::walk_pattern(self, pattern);
    }
}

/// The name that an import binds: `import a.b` binds `a`.
pub(super) fn imported(alias: &ruff_python_ast::Alias) -> (&str, TextRange) {
    match &alias.asname {
        Some(name) => (name.as_str(), name.range),
        None => {
            let whole = alias.name.as_str();
            (whole.split('.').next().unwrap_or(whole), alias.name.range)
        }
    }
}

/// The names in the target of a comprehension.
pub(super) fn targets(target: &Expr) -> Vec<(&str, TextRange)> {
    let mut bound = Bound::default();
    bound.visit_expr(target);
    bound.local
}
