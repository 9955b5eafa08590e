//! Statements and patterns in reduced form.

use super::{Expr, ExprKind, Name, Span, VarId, walk};

/// Statements in order.
pub type Block = Vec<Stmt>;

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it is, with everything inside.
    pub span: Span,
    /// Whether an expression of its own holds a flow, which few do: walks look for statements in no other.
    pub(super) has_flow: bool,
}

impl Stmt {
    /// A statement at a place.
    pub fn new(kind: StmtKind, span: Span) -> Self {
        let mut stmt = Self {
            kind,
            span,
            has_flow: false,
        };
        let mut has_flow = false;
        walk::own_exprs(&stmt, &mut |expr| {
            has_flow |= matches!(expr.kind, ExprKind::Flow(_));
        });
        stmt.has_flow = has_flow;
        stmt
    }
}

/// The forms of a statement that rules can tell apart.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// An expression for its effects.
    Expr(Expr),
    /// A declaration or assignment. `x += 1` assigns an [`super::ExprKind::Opaque`] of both sides.
    Assign {
        /// What is set.
        target: Pattern,
        /// To what; `None` for a declaration without a value.
        value: Option<Expr>,
    },
    /// The value of the enclosing [`super::ExprKind::Flow`].
    Value(Expr),
    /// Leaving the function. Go's several results are a [`super::ExprKind::List`].
    Return(Option<Expr>),
    /// `throw`, `raise`; `None` for Python's bare `raise`. `panic!` stays a call.
    Throw(Option<Expr>),
    /// `if`; `else if` is an `If` alone in `otherwise`. Rust's `if let` is a [`StmtKind::Match`] with two arms.
    If {
        /// The condition.
        test: Expr,
        /// Taken when it holds.
        then: Block,
        /// Taken otherwise.
        otherwise: Block,
    },
    /// Any loop.
    Loop {
        /// Which one.
        kind: LoopKind,
        /// What each turn binds.
        item: Option<Pattern>,
        /// What is iterated, or the condition.
        over: Option<Expr>,
        /// The body; the update of a `for(;;)` is its last statement.
        body: Block,
    },
    /// `try`.
    Try {
        /// What may fail.
        body: Block,
        /// Each `catch` or `except`.
        catches: Vec<Catch>,
        /// `finally`; Python's `else` is the end of `body`.
        finally: Block,
    },
    /// `switch`, `match`, `if let`, `let … else` (two arms), Go's type switch. A `case` that falls through keeps its statements only.
    Match {
        /// What is looked at; a literal `true` for Go's bare `switch`.
        subject: Expr,
        /// The arms in order; the default arm's pattern is [`Pattern::Any`].
        arms: Vec<Arm>,
    },
    /// Waiting for the first of several: `tokio::select!`, Go's `select`.
    Select(Vec<Arm>),
    /// A scope that closes what it opened: `with`, `async with`, `using`.
    With {
        /// What is opened.
        resources: Vec<Resource>,
        /// The body.
        body: Block,
    },
    /// Go's `defer`.
    Defer(Expr),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// A block of its own; `unsafe`, labelled blocks.
    Block(Block),
}

/// Which loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoopKind {
    /// Over the items of something.
    Each,
    /// While a condition holds, and `do … while`.
    While,
    /// For ever: `loop`, `for {}`, `while True`, `while (true)`, `for (;;)`.
    Forever,
}

/// A `catch` or `except`.
#[derive(Debug, Clone)]
pub struct Catch {
    /// What the error is bound to.
    pub binding: Option<Pattern>,
    /// The types that are caught; empty for all. `except Exception` is one type.
    pub types: Vec<Expr>,
    /// What is done.
    pub body: Block,
    /// Where it is.
    pub span: Span,
}

/// An arm of a match or select.
#[derive(Debug, Clone)]
pub struct Arm {
    /// What it takes.
    pub pattern: Pattern,
    /// A further condition; in a select, the future or channel operation waited for.
    pub test: Option<Expr>,
    /// What is done; as a value of a flow it ends in [`StmtKind::Value`].
    pub body: Block,
    /// Where it is.
    pub span: Span,
}

/// Something opened by a [`StmtKind::With`].
#[derive(Debug, Clone)]
pub struct Resource {
    /// What it is bound to.
    pub binding: Option<Pattern>,
    /// What is opened.
    pub value: Expr,
}

/// The left side of a binding, assignment or arm.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// A declared variable.
    Var(VarId),
    /// A place that is no variable of the file: `this.x`, `a[b]`, a global.
    Place(Expr),
    /// Several in order: tuples, lists; Go's several results.
    List(Vec<Pattern>),
    /// By name: `{a, b: c}`.
    Object(Vec<(Name, Pattern)>),
    /// A constructor with parts: `Ok(x)`, `Err(e)`, `Some(x)`, `Event::Stop`; the path is an expression.
    Of(Expr, Vec<Pattern>),
    /// A value: `"SIGTERM"`, `404`, `nil`.
    Value(Expr),
    /// One of several.
    Or(Vec<Pattern>),
    /// Anything: `_`, `default`, `else`.
    Any,
}

impl Pattern {
    /// The variables and places in it, in order.
    pub fn leaves(&self) -> Vec<&Self> {
        let mut all = Vec::new();
        self.each_leaf(&mut |leaf| all.push(leaf));
        all
    }

    /// Calls `visit` with the variables and places in it, in order.
    pub fn each_leaf<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match self {
            Self::Var(_) | Self::Place(_) => visit(self),
            Self::List(parts) | Self::Or(parts) | Self::Of(_, parts) => {
                parts.iter().for_each(|part| part.each_leaf(visit));
            }
            Self::Object(parts) => parts.iter().for_each(|(_, part)| part.each_leaf(visit)),
            Self::Value(_) | Self::Any => {}
        }
    }

    /// The one variable that it binds as a whole.
    pub fn variable(&self) -> Option<VarId> {
        if let Self::Var(id) = self {
            Some(*id)
        } else {
            None
        }
    }
}
