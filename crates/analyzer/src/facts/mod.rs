//! What the analyser knows of a source file, in one form for every language.
//!
//! An extractor turns one file into [`FileFacts`]: functions, classes, variables and imports, and for each function its
//! statements and expressions in a reduced form. It resolves names inside the file and decides nothing else.
//! [`crate::link`] joins the files of a package into a [`crate::link::Project`], which derives what the rules ask for:
//! canonical callee paths, entry points, shutdown roots, failure regions, resources. A rule never sees a syntax tree.
//!
//! # What each extractor fills
//!
//! - **Module body.** `functions[0]` is the code of the file outside any function (Go, Rust: initialisers of `var`, `static`, `const`).
//!   It exists even when empty. Declarations of functions and classes are not statements.
//! - **Variables.** Every parameter, local, catch variable, imported name, declared function and class is a [`Variable`],
//!   with the function that owns it. A use is [`ExprKind::Var`] of the nearest one in scope; a name that the file does not declare is
//!   [`ExprKind::Global`] (`process`, `print`, `tokio`). In Go and Rust a name of another file of the package or crate is a global as well.
//! - **Imports.** [`Import`] holds the source as written (`./api.js`, `mcp.server.fastmcp`, `os/signal`, `tokio::signal`, `.utils`) and the item.
//!   `require("x")` and `await import("x")` are [`ExprKind::Module`], and an import when they are bound directly.
//!   Rust: `use a::b::c as d` is source `a::b`, item `Named("c")`, bound to `d`; `use a::*` is [`ImportItem::All`].
//! - **Functions.** Each function, method, closure, lambda, goroutine literal and `async` block is a [`Function`]; where a value is expected it stands as
//!   [`ExprKind::Function`]. What a function gives at its end without a `return` (Rust tail, arrow body) is a [`StmtKind::Return`],
//!   also in the arms of an `if` or `match` that is the tail.
//! - **Methods.** The receiver is [`ExprKind::This`] (`this`, `self`, Python's first parameter, Go's named receiver) and is no parameter.
//!   Classes: TypeScript and Python classes; Rust: one per `impl` or `struct` (traits as bases, `Drop` as base `Drop`); Go: one per receiver type.
//!   Records of one name in one package are joined by the linker.
//! - **Calls.** Every call, construction, macro, goroutine start and struct literal is [`ExprKind::Call`] with a [`CallForm`].
//!   Format strings are taken apart: `f"..{e}"`, `` `..${e}` ``, `"a" + e`, `"..%s" % e`, `format!("{e:?}")` are [`ExprKind::Join`]
//!   (a debug-formatted part of Rust is a call of the global `Debug`). Logging and printing macros stay calls, whose arguments are the parts.
//! - **Wrappers are dropped.** Parentheses, casts, `!` of TypeScript, `&`, `*`, `ref`, type arguments; `Box::new`, `Arc::new` stay calls.
//! - **Awaits.** `await`, `.await`, and `yield` in generators down-levelled from `async`, are [`ExprKind::Await`]; `?` of Rust is [`ExprKind::Propagate`].
//! - **Types.** Where a parameter, field, variable or result has a written type that is one name or path, it is given as an expression with
//!   wrappers removed (`Promise<T>`, `Option<Arc<T>>`, `*T`, `T | None` give `T`).
//! - **Spans.** Every statement, expression, function and class has byte offsets and lines, both from the text as read (lines from 1).
//! - **Comments.** Every comment with its line and its text without the marks.
//! - **Nothing else.** What has no form here is [`ExprKind::Opaque`] with its sub-expressions in order, so that no call is lost.
//!
//! # Bounds
//!
//! A file that nests beyond [`MAX_DEPTH`] is not read, so that no walk over facts can exhaust a stack.

mod expr;
mod file;
mod function;
mod span;
mod stmt;
pub mod walk;

pub use expr::{Arg, Call, CallForm, Compare, Entry, Expr, ExprKind, Logic};
pub use file::{
    Comment, Export, FileFacts, Import, ImportItem, Language, Manifest, Reading, Variable,
    VariableKind, Why,
};
pub use function::{Class, Field, Function, Method, Mode, Param, Takes};
pub use span::{Cover, Lines, Span};
pub use stmt::{Arm, Block, Catch, LoopKind, Pattern, Resource, Stmt, StmtKind};

use std::sync::Arc;

/// A name or text of the source; cheap to copy.
pub type Name = Arc<str>;

/// Deepest nesting of statements and expressions that is kept.
pub const MAX_DEPTH: usize = 120;

/// A function of one file, by its place in [`FileFacts::functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FnId(pub u32);

/// A class of one file, by its place in [`FileFacts::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u32);

/// A variable of one file, by its place in [`FileFacts::variables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

/// An import of one file, by its place in [`FileFacts::imports`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportId(pub u32);

impl FnId {
    /// The code of a file outside any function.
    pub const MODULE: Self = Self(0);
}
