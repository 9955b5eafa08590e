//! Functions and classes.

use super::{Block, ClassId, Expr, FnId, Name, Pattern, Span, VarId};

/// A function, method, closure or the body of a file.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name; for a closure bound to a variable, a field or an object key that name; else empty.
    pub name: Name,
    /// The function that it is written in; `None` for the body of the file only.
    pub parent: Option<FnId>,
    /// The class that it is a method of.
    pub class: Option<ClassId>,
    /// Parameters without the receiver.
    pub params: Vec<Param>,
    /// How it runs.
    pub mode: Mode,
    /// The written type of its result.
    pub returns: Option<Expr>,
    /// Python decorators; Rust attributes with paths and arguments as calls (`#[tool(name = "x")]`), `#[test]`, `#[cfg(test)]` of it or of a module around it.
    pub decorators: Vec<Expr>,
    /// Its statements.
    pub body: Block,
    /// Where it is.
    pub span: Span,
}

/// How a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// To its end.
    Sync,
    /// With awaits.
    Async,
    /// As a generator that is no down-levelled `async`.
    Generator,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// What it binds.
    pub pattern: Pattern,
    /// Its default.
    pub default: Option<Expr>,
    /// Its written type.
    pub ty: Option<Expr>,
    /// Which arguments it takes.
    pub takes: Takes,
}

/// Which arguments a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Takes {
    /// The one at its place, or of its name; a parameter for the rest by place as well.
    Own,
    /// Every one that is given by a name that no parameter has: Python's `**options`.
    Named,
}

/// A class, or a type with methods.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its name; empty for an anonymous one.
    pub name: Name,
    /// The variable that holds it, where it is declared in this file.
    pub variable: Option<VarId>,
    /// Base classes, implemented traits, embedded structs.
    pub bases: Vec<Expr>,
    /// Its methods.
    pub methods: Vec<Method>,
    /// Its fields, as declared.
    pub fields: Vec<Field>,
    /// Decorators and derives.
    pub decorators: Vec<Expr>,
    /// Where it is.
    pub span: Span,
}

/// A method.
#[derive(Debug, Clone)]
pub struct Method {
    /// Its name; `constructor` and `__init__` as they are.
    pub name: Name,
    /// Its code.
    pub function: FnId,
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// What it is initialised with, in the declaration.
    pub value: Option<Expr>,
    /// Its written type.
    pub ty: Option<Expr>,
    /// Where it is.
    pub span: Span,
}
