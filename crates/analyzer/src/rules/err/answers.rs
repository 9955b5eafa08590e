//! Where the body of what a remote end answered goes to the caller, because the answer was a refusal.

use std::collections::HashMap;
use std::rc::Rc;

use crate::facts::{Cover, Expr, ExprKind, Function, Language, Span, Stmt, StmtKind, walk};
use crate::finding::{Ground, Surface, Trusted};
use crate::link::{FailureKind, FnRef, Project};
use crate::rules::{At, Report};

use super::flow::{Flow, Holds, Seek};
use super::memo::Memo;
use super::message_to_caller::{Ways, Where, leak, thrown};
use super::refused::Refusals;
use super::rising::Rising;

/// What is said of such a place.
const TOLD: &str = "what a remote end answered goes to the caller as it is";

/// What it takes to say where texts of answers go.
pub(super) struct Answers<'w> {
    pub(super) ways: &'w Ways,
    pub(super) rising: Rising,
    pub(super) memo: Rc<Memo>,
}

impl Answers<'_> {
    /// Looks into all functions that handlers run.
    pub(super) fn check(&self, project: &Project<'_>, report: &mut Report<'_>) {
        let mut caught: HashMap<FnRef, Vec<Span>> = HashMap::new();
        for failure in &project.failures {
            if failure.kind == FailureKind::Catch {
                caught.entry(failure.at).or_default().push(failure.span);
            }
        }
        for at in project.handler_reach() {
            let Some(function) = project.function(*at) else {
                continue;
            };
            if project.surface(at.file) == Surface::Tests || super::flow::is_module(*at) {
                continue;
            }
            let mut refusals = Refusals::of(function);
            if refusals.answers.is_empty() {
                continue;
            }
            refusals.maybe.extend(caught.remove(at).unwrap_or_default());
            for place in self.told(project, *at, function, refusals) {
                if !report.has(place) {
                    report.add(place, Ground::Likely(Trusted::Reach), TOLD);
                }
            }
        }
    }

    /// The places of one function.
    fn told<'a>(
        &self,
        project: &Project<'a>,
        at: FnRef,
        function: &'a Function,
        refusals: Refusals,
    ) -> Vec<At> {
        let answers: Vec<_> = refusals.answers.into_iter().collect();
        let sure: Cover = refusals.sure.into_iter().collect();
        let maybe: Cover = refusals.maybe.into_iter().collect();
        let mut flow = Flow::new(project, at, Seek::Answer, &answers, &self.memo);
        flow.read(&function.body);
        let place = if project.is_handler(at) {
            Where::Responder
        } else if self.ways.text.reaches_a_handler(project, at) {
            Where::Thrown
        } else {
            Where::Below
        };
        let mut all = Vec::new();
        walk::stmts(&function.body, &mut |stmt| {
            let is_sure = sure.holds(stmt.span);
            if !is_sure && !maybe.holds(stmt.span) {
                return;
            }
            if let Some(error) = handed_up(&flow, stmt) {
                if place == Where::Responder || self.rising.has(at) {
                    let span = flow.source(error).span;
                    all.push(At { function: at, span });
                }
            } else if is_sure || matches!(stmt.kind, StmtKind::Throw(_)) {
                let leak = leak(&flow, stmt, place, self.ways)
                    .filter(|leak| flow.holds(leak) == Holds::Text);
                all.extend(leak.map(|leak| At {
                    function: at,
                    span: leak.span,
                }));
                all.extend(thrown(&flow, stmt, place, self.ways));
            }
        });
        all
    }
}

/// Go and Rust: the text of an answer in an error that a statement gives back.
fn handed_up<'a>(flow: &Flow<'_, 'a>, stmt: &'a Stmt) -> Option<&'a Expr> {
    let (StmtKind::Return(Some(value)) | StmtKind::Value(value)) = &stmt.kind else {
        return None;
    };
    let error = match flow.project.language(flow.at.file) {
        Language::Go => {
            if let ExprKind::List(parts) = &value.kind {
                parts.last()?
            } else {
                value
            }
        }
        Language::Rust => {
            let call = value.call()?;
            (crate::link::callee_name(&call.callee) == "Err").then_some(value)?
        }
        Language::TypeScript | Language::Python => return None,
    };
    (flow.holds(error) == Holds::Text).then_some(error)
}
