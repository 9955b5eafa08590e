//! Classes.

use ruff_python_ast::{Expr as Tree, Stmt as TreeStmt, StmtClassDef};

use super::module::Lower;
use crate::facts::{Block, Class, ClassId, Field, Method, Name, VariableKind};

impl<'a> Lower<'a> {
    /// `class`. What its body does besides declaring is done where the class stands.
    pub(super) fn class(&mut self, def: &'a StmtClassDef) -> Block {
        let decorators = def
            .decorator_list
            .iter()
            .map(|decorator| self.expr(&decorator.expression))
            .collect();
        let bases = def
            .bases()
            .iter()
            .map(|base| self.expr(subscripted(base)))
            .collect();
        let id = ClassId(u32::try_from(self.facts.classes.len()).unwrap_or(u32::MAX));
        self.facts.classes.push(Class {
            name: Name::from(def.name.as_str()),
            variable: None,
            bases,
            methods: Vec::new(),
            fields: Vec::new(),
            decorators,
            span: self.span(def),
        });
        let variable = self.define(def.name.as_str(), VariableKind::Class(id));
        if let Some(class) = self.facts.classes.get_mut(id.0 as usize) {
            class.variable = variable;
        }
        self.deeper(Vec::new(), |lower| lower.class_body(id, &def.body))
    }

    fn class_body(&mut self, id: ClassId, body: &'a [TreeStmt]) -> Block {
        let mut effects = Vec::new();
        for stmt in body {
            if let TreeStmt::FunctionDef(def) = stmt {
                let function = self.function(def, Some(id));
                if let Some(class) = self.facts.classes.get_mut(id.0 as usize) {
                    class.methods.push(Method {
                        name: Name::from(def.name.as_str()),
                        function,
                    });
                }
            } else if let Some(field) = self.field(stmt) {
                if let Some(class) = self.facts.classes.get_mut(id.0 as usize) {
                    class.fields.push(field);
                }
            } else {
                self.stmt(stmt, &mut effects);
            }
        }
        effects
    }

    /// `x = v`, `x: T`, `x: T = v` in a class.
    fn field(&mut self, stmt: &'a TreeStmt) -> Option<Field> {
        let (target, ty, value) = if let TreeStmt::AnnAssign(assign) = stmt {
            (
                assign.target.as_ref(),
                Some(assign.annotation.as_ref()),
                assign.value.as_deref(),
            )
        } else if let TreeStmt::Assign(assign) = stmt {
            (assign.targets.first()?, None, Some(assign.value.as_ref()))
        } else {
            return None;
        };
        let name = target.as_name_expr()?.id.as_str();
        let value = value.map(|value| self.expr(value));
        if let Some(value) = &value {
            self.name_function(value, name);
        }
        let ty = ty.and_then(|ty| self.annotation(ty));
        Some(Field {
            name: Name::from(name),
            value,
            ty,
            span: self.span(stmt),
        })
    }
}

/// `Base` of `Base[T]`.
fn subscripted(base: &Tree) -> &Tree {
    if let Tree::Subscript(subscript) = base {
        &subscript.value
    } else {
        base
    }
}
