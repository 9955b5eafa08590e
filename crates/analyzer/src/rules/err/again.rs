//! Errors that leave as they came: raised again where they were caught, or let through by what catches them above.

use std::rc::Rc;

use crate::facts::{ExprKind, Language, Stmt, StmtKind, walk};
use crate::link::{Failure, Project};

use super::flow::{Flow, Holds, Seek};
use super::memo::Memo;

/// What ends a task or the process, and what is made for the caller: raising these again tells nothing.
const FINE: &[&str] = &[
    "CancelledError",
    "KeyboardInterrupt",
    "SystemExit",
    "GeneratorExit",
    "StopIteration",
    "StopAsyncIteration",
    "TimeoutError",
    "ToolError",
    "McpError",
    "MCPError",
    "ResourceError",
    "FastMCPError",
    "HTTPException",
];

/// `raise`, `raise e` and `throw e` of an error of a driver or of anything: the SDK answers with the text.
pub(super) fn raises(project: &Project<'_>, failure: &Failure<'_>, stmt: &Stmt) -> bool {
    let StmtKind::Throw(value) = &stmt.kind else {
        return false;
    };
    let same = value.as_ref().is_none_or(
        |value| matches!(value.kind, ExprKind::Var(id) if failure.errors.contains(&id)),
    );
    let fine = !failure.types.is_empty()
        && failure.types.iter().all(|ty| {
            project
                .last_name(failure.at, ty)
                .is_some_and(|name| is_fine(&name))
        });
    same && !fine
        && matches!(
            project.language(failure.at.file),
            Language::Python | Language::TypeScript
        )
}

/// Whether an error of this type may be raised again.
pub(super) fn is_fine(name: &str) -> bool {
    FINE.contains(&name)
}

/// Whether what is caught goes on: it is thrown again, or its text is.
pub(super) fn goes_on(project: &Project<'_>, failure: &Failure<'_>, memo: &Rc<Memo>) -> bool {
    if super::caught::throws_on(failure) {
        return true;
    }
    // These hand errors up as values.
    if matches!(
        project.language(failure.at.file),
        Language::Go | Language::Rust
    ) {
        return false;
    }
    let mut flow = Flow::of(project, failure, Seek::Message, memo);
    flow.read(failure.body);
    let mut found = false;
    walk::stmts(failure.body, &mut |stmt| {
        if let StmtKind::Throw(Some(value)) | StmtKind::Return(Some(value)) = &stmt.kind {
            found = found || flow.holds(value) == Holds::Text;
        }
    });
    found
}
