//! Functions, lambdas and their parameters.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr as Tree, ExprLambda, Parameters, Stmt as TreeStmt, StmtFunctionDef};

use super::bound;
use super::module::Lower;
use super::scope::Scope;
use crate::facts::{
    ClassId, Expr, ExprKind, FnId, Mode, Name, Param, Pattern, Span, Stmt, StmtKind, Takes,
    VariableKind,
};

/// What a method gets first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiver {
    /// The object or the class.
    First,
    /// Nothing: a function, or a static method.
    None,
}

impl<'a> Lower<'a> {
    /// `def`, `async def`.
    pub(super) fn function(&mut self, def: &'a StmtFunctionDef, class: Option<ClassId>) -> FnId {
        let decorators: Vec<Expr> = def
            .decorator_list
            .iter()
            .map(|decorator| self.expr(&decorator.expression))
            .collect();
        let returns = def.returns.as_deref().and_then(|ty| self.annotation(ty));
        let receiver = if class.is_some() && !is_static(def) {
            Receiver::First
        } else {
            Receiver::None
        };
        let mode = match (def.is_async, yields(&def.body)) {
            (true, _) => Mode::Async,
            (false, true) => Mode::Generator,
            (false, false) => Mode::Sync,
        };
        let mut function = self.blank(def.name.as_str(), mode, self.span(def));
        function.class = class;
        function.decorators = decorators;
        function.returns = returns;
        let id = self.open_function(function);
        if class.is_none() {
            self.define(def.name.as_str(), VariableKind::Function(id));
        }
        let defaults = self.defaults(&def.parameters);
        self.scopes.push(Scope::new(id));
        self.params(id, &def.parameters, defaults, receiver);
        self.declare(&bound::names(&def.body));
        let body = self.block(&def.body);
        self.scopes.pop();
        self.close_function(id, body);
        id
    }

    /// `lambda x: …`.
    pub(super) fn lambda(&mut self, lambda: &'a ExprLambda, span: Span) -> Expr {
        let id = self.open_function(self.blank("", Mode::Sync, span));
        let defaults = lambda
            .parameters
            .as_deref()
            .map(|params| self.defaults(params));
        self.scopes.push(Scope::new(id));
        if let (Some(params), Some(defaults)) = (lambda.parameters.as_deref(), defaults) {
            self.params(id, params, defaults, Receiver::None);
        }
        let value = self.expr(&lambda.body);
        let place = value.span;
        let body = vec![Stmt::new(StmtKind::Return(Some(value)), place)];
        self.scopes.pop();
        self.close_function(id, body);
        Expr {
            kind: ExprKind::Function(id),
            span,
        }
    }

    /// The defaults, which are evaluated outside the function, in the order of [`Parameters::iter`].
    fn defaults(&mut self, params: &'a Parameters) -> Vec<Option<Expr>> {
        params
            .iter()
            .map(|param| param.default().map(|default| self.expr(default)))
            .collect()
    }

    fn params(
        &mut self,
        id: FnId,
        params: &'a Parameters,
        defaults: Vec<Option<Expr>>,
        receiver: Receiver,
    ) {
        let named = params.kwarg.as_deref();
        let mut all = Vec::new();
        for (place, (param, default)) in params.iter().zip(defaults).enumerate() {
            let name = param.as_parameter().name.as_str();
            if place == 0 && receiver == Receiver::First && !param.is_variadic() {
                if let Some(scope) = self.scopes.innermost() {
                    scope.receive(name);
                }
                continue;
            }
            let ty = param
                .as_parameter()
                .annotation()
                .and_then(|ty| self.annotation(ty));
            let place = u32::try_from(all.len()).unwrap_or(u32::MAX);
            let variable = self.variable(
                name,
                param.as_parameter().name.range,
                VariableKind::Parameter(place),
            );
            if let Some(slot) = self.facts.variables.get_mut(variable.0 as usize) {
                slot.ty = ty.clone();
            }
            if let Some(scope) = self.scopes.innermost() {
                scope.bind(name, variable);
            }
            all.push(Param {
                pattern: Pattern::Var(variable),
                default,
                ty,
                takes: if named == Some(param.as_parameter()) {
                    Takes::Named
                } else {
                    Takes::Own
                },
            });
        }
        if let Some(function) = self.facts.functions.get_mut(id.0 as usize) {
            function.params = all;
        }
    }

    /// Gives a closure the name of what it is bound to.
    pub(super) fn name_function(&mut self, value: &Expr, name: &str) {
        if let ExprKind::Function(id) = &value.kind
            && let Some(function) = self.facts.functions.get_mut(id.0 as usize)
            && function.name.is_empty()
        {
            function.name = Name::from(name);
        }
    }
}

/// Whether a method has no receiver.
fn is_static(def: &StmtFunctionDef) -> bool {
    def.decorator_list.iter().any(|decorator| {
        decorator
            .expression
            .as_name_expr()
            .is_some_and(|name| name.id.as_str() == "staticmethod")
    })
}

/// Whether a body yields.
fn yields(body: &[TreeStmt]) -> bool {
    struct Find(bool);
    impl<'a> Visitor<'a> for Find {
        fn visit_stmt(&mut self, stmt: &'a TreeStmt) {
            if !stmt.is_function_def_stmt() && !stmt.is_class_def_stmt() {
                visitor::walk_stmt(self, stmt);
            }
        }
        fn visit_expr(&mut self, expr: &'a Tree) {
            self.0 |= expr.is_yield_expr() || expr.is_yield_from_expr();
            if !expr.is_lambda_expr() {
                visitor::walk_expr(self, expr);
            }
        }
    }
    let mut find = Find(false);
    find.visit_body(body);
    find.0
}
