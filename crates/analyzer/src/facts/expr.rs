//! Expressions in reduced form.

use super::{ClassId, FnId, Name, Pattern, Span, Stmt, VarId};

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is.
    pub span: Span,
}

/// The forms of an expression that rules can tell apart.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A string without inserted values, unescaped.
    Str(Name),
    /// A number; integers as well. Not finite where the source is out of range.
    Number(f64),
    /// `true`, `True`.
    Bool(bool),
    /// `null`, `undefined`, `None`, `nil`, Rust's `()`. Rust's `None` too.
    Null,
    /// A name that the file declares or imports.
    Var(VarId),
    /// A name that the file does not declare.
    Global(Name),
    /// The receiver of a method.
    This,
    /// `super`.
    Super,
    /// A module as a value: `require("x")`, `import("x")`.
    Module(Name),
    /// `object.name`, `object?.name`, `Path::name`.
    Member(Box<Expr>, Name),
    /// `object[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// A call of any form.
    Call(Box<Call>),
    /// A function as a value.
    Function(FnId),
    /// A class as a value.
    Class(ClassId),
    /// `{key: value}`, a Python dict, a Go map literal. Struct literals are calls of form [`CallForm::Literal`].
    Object(Vec<Entry>),
    /// Arrays, tuples, sets, slices, `vec![…]`.
    List(Vec<Expr>),
    /// Texts put together from parts.
    Join(Vec<Expr>),
    /// `&&`, `||`, `??`, `and`, `or`.
    Logic(Logic, Box<Expr>, Box<Expr>),
    /// A comparison.
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// Logical negation.
    Not(Box<Expr>),
    /// Waiting for a value.
    Await(Box<Expr>),
    /// Rust's `?`.
    Propagate(Box<Expr>),
    /// `test ? a : b`, Python's `a if test else b`.
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `...value`, `*value`, `**value` inside a list, an object or arguments.
    Spread(Box<Expr>),
    /// An assignment as an expression; as a statement it is [`super::StmtKind::Assign`].
    Assign(Box<Pattern>, Box<Expr>),
    /// A statement as an expression (Rust's `match`, `if`, `loop`, blocks, `select!`); its values are the [`super::StmtKind::Value`]s inside.
    Flow(Box<Stmt>),
    /// Anything else, with its sub-expressions in order of evaluation. Arithmetic, comprehensions (their parts), `typeof`, slices.
    Opaque(Vec<Expr>),
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// How it is written.
    pub form: CallForm,
    /// What is called. `console.error(x)`: `Member(Global(console), error)`; a macro `tracing::info!`: `Member(Global(tracing), info)`.
    pub callee: Expr,
    /// Arguments in order; fields of a literal.
    pub args: Vec<Arg>,
}

/// How a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallForm {
    /// `f(x)`.
    Plain,
    /// `new F(x)`. Python and Rust constructors are plain calls.
    New,
    /// A Rust macro other than those that become joins, lists or flows.
    Macro,
    /// Go's `go f(x)`.
    Go,
    /// A struct literal: `http.Client{Timeout: t}`, `Config { a }`; its fields are named arguments.
    Literal,
}

/// An argument.
#[derive(Debug, Clone)]
pub struct Arg {
    /// The keyword (Python) or field name (literals).
    pub name: Option<Name>,
    /// Its value; [`ExprKind::Spread`] where it is spread.
    pub value: Expr,
}

/// An entry of an object literal.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key where it is a plain name or text; `None` for computed keys and spreads.
    pub key: Option<Name>,
    /// Its value; [`ExprKind::Spread`] where it is spread.
    pub value: Expr,
}

/// A logical operator that may skip its right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Logic {
    /// `&&`, `and`.
    And,
    /// `||`, `or`.
    Or,
    /// `??`.
    Coalesce,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `==`, `===`, `is`.
    Equal,
    /// `!=`, `!==`, `is not`.
    NotEqual,
    /// `<`, `<=`, `>`, `>=`.
    Order,
    /// `in`, `instanceof`, `isinstance` stays a call.
    Inside,
    /// `not in`.
    Outside,
}

impl Expr {
    /// The expression under awaits, `?` and parentheses.
    pub fn bare(&self) -> &Self {
        let mut at = self;
        while let ExprKind::Await(inner) | ExprKind::Propagate(inner) = &at.kind {
            at = inner;
        }
        at
    }

    /// The call that this is, under awaits and `?`.
    pub fn call(&self) -> Option<&Call> {
        if let ExprKind::Call(call) = &self.bare().kind {
            Some(call)
        } else {
            None
        }
    }

    /// The text of a string literal.
    pub fn text(&self) -> Option<&Name> {
        if let ExprKind::Str(text) = &self.kind {
            Some(text)
        } else {
            None
        }
    }
}

impl Call {
    /// What a method is called on.
    pub fn receiver(&self) -> Option<&Expr> {
        if let ExprKind::Member(object, _) = &self.callee.kind {
            Some(object)
        } else {
            None
        }
    }

    /// The positional argument at a place, if no spread comes before it.
    pub fn arg(&self, place: usize) -> Option<&Expr> {
        self.args
            .iter()
            .filter(|arg| arg.name.is_none())
            .nth(place)
            .map(|arg| &arg.value)
    }

    /// The keyword argument, struct field, or entry of an object literal argument with this name.
    pub fn option(&self, name: &str) -> Option<&Expr> {
        let named = self
            .args
            .iter()
            .find(|arg| arg.name.as_deref() == Some(name));
        if let Some(arg) = named {
            return Some(&arg.value);
        }
        self.args.iter().find_map(|arg| arg.value.entry(name))
    }
}

impl Expr {
    /// The value under a key of an object literal.
    pub fn entry(&self, key: &str) -> Option<&Self> {
        if let ExprKind::Object(entries) = &self.kind {
            entries
                .iter()
                .find(|entry| entry.key.as_deref() == Some(key))
                .map(|entry| &entry.value)
        } else {
            None
        }
    }
}
