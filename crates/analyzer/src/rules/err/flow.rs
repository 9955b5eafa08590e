//! Where the text of an error goes: through variables, conversions and functions of the project.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::facts::{Call, Expr, ExprKind, FnId, Language, Name, Span, StmtKind, VarId, walk};
use crate::link::{Failure, FnRef, Project, Value};
use crate::vocabulary::{Role, words};

use super::memo::Memo;
use super::names::{
    ANSWERS, CLEANING, CONVERTERS, PREDICATES, PROMISING, TEXT_MEMBERS, TEXT_METHODS,
};
use super::parts::Parts;
use super::results;

mod remote;
mod setting;
mod through;
mod traced;

/// How far the text is followed through functions of the project.
const MAX_CALLS: usize = 3;

/// How many functions of the project are looked into for one error, so that functions which call
/// each other many times end. Beyond that nothing is said.
const MAX_LOOKS: u32 = 600;

/// What an expression holds of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Holds {
    /// Nothing.
    Nothing,
    /// The error itself.
    Error,
    /// Its text.
    Text,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seek {
    /// The message of the errors in these variables.
    Message,
    /// A stack trace, of whatever.
    Trace,
    /// The body of what a remote end answered: the "errors" are its answers.
    Answer,
}

/// How what a function makes of an error leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// It is given back.
    Returned,
    /// It is thrown.
    Thrown,
    /// It is sent as the answer to an HTTP request.
    Sent,
}

/// What is known of one variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Held {
    most: Holds,
    parts: Vec<Name>,
}

/// The variables of one function that hold errors or their texts.
pub(super) struct Flow<'p, 'a> {
    pub(super) project: &'p Project<'a>,
    pub(super) at: FnRef,
    pub(super) seek: Seek,
    errors: BTreeSet<VarId>,
    texts: BTreeSet<VarId>,
    /// Variables of which only some members hold the text.
    parts: Parts,
    /// Errors whose form for debugging is a trace.
    shown: BTreeSet<VarId>,
    /// Stretches that are no way for the text.
    closed: Vec<Span>,
    /// Where the text came into a variable.
    entered: Vec<(VarId, &'a Expr)>,
    calls: usize,
    /// Functions that may still be looked into, by this flow and those within it.
    left: Rc<Cell<u32>>,
    pub(super) memo: Rc<Memo>,
}

impl<'p, 'a> Flow<'p, 'a> {
    /// Begins with the variables that hold errors.
    pub(super) fn new(
        project: &'p Project<'a>,
        at: FnRef,
        seek: Seek,
        errors: &[VarId],
        memo: &Rc<Memo>,
    ) -> Self {
        Self {
            project,
            at,
            seek,
            errors: errors.iter().copied().collect(),
            texts: BTreeSet::new(),
            parts: Parts::default(),
            shown: BTreeSet::new(),
            closed: Vec::new(),
            entered: Vec::new(),
            calls: 0,
            left: Rc::new(Cell::new(MAX_LOOKS)),
            memo: Rc::clone(memo),
        }
    }

    /// Begins with what a region caught.
    pub(super) fn of(
        project: &'p Project<'a>,
        failure: &Failure<'a>,
        seek: Seek,
        memo: &Rc<Memo>,
    ) -> Self {
        let mut flow = Self::new(project, failure.at, seek, &failure.errors, memo);
        flow.take_members(&failure.members);
        flow
    }

    /// Takes in variables that hold members of an error.
    pub(super) fn take_members(&mut self, members: &[(Name, VarId)]) {
        for (name, id) in members {
            self.hold(*id, self.of_member(Holds::Error, name));
        }
    }

    /// Says of some errors that their form for debugging is a trace.
    pub(super) fn show(&mut self, errors: Vec<VarId>) {
        self.shown.extend(errors);
    }

    /// Says of a variable that it holds the text because it was set to a value.
    pub(super) fn mark(&mut self, id: VarId, value: &'a Expr) {
        self.texts.insert(id);
        self.entered.push((id, value));
    }

    /// Says of some stretches that nothing goes through them.
    pub(super) fn close(&mut self, spans: Vec<Span>) {
        self.closed = spans;
    }

    /// Takes in what the statements of a block set, in order.
    pub(super) fn read(&mut self, block: &'a [crate::facts::Stmt]) {
        for stmt in block {
            self.read_one(stmt);
        }
    }

    /// The variables that hold anything.
    pub(super) fn held(&self) -> Vec<VarId> {
        let mut all: BTreeSet<VarId> = self.errors.union(&self.texts).copied().collect();
        all.extend(self.parts.variables());
        all.into_iter().collect()
    }

    /// What a variable holds.
    pub(super) fn held_in(&self, id: VarId) -> Option<Held> {
        let parts = self.parts.names(id);
        let most = if self.texts.contains(&id) {
            Holds::Text
        } else if self.errors.contains(&id) {
            Holds::Error
        } else if parts.is_empty() {
            return None;
        } else {
            Holds::Nothing
        };
        Some(Held { most, parts })
    }

    /// Forgets variables that hold an error only where it was caught.
    pub(super) fn forget(&mut self, errors: &[VarId]) {
        for id in errors {
            self.errors.remove(id);
        }
    }

    /// Where the text came into a variable in a stretch: into one that stands in an expression, if any did.
    pub(super) fn entered(&self, expr: &'a Expr, within: Span) -> Option<Span> {
        let mut named = BTreeSet::new();
        walk::each(expr, &mut |inner| {
            if let ExprKind::Var(id) = &inner.kind {
                named.insert(*id);
            }
        });
        let inside = || {
            self.entered
                .iter()
                .filter(|(_, value)| within.holds(value.span))
        };
        let found = inside()
            .find(|(id, _)| named.contains(id))
            .or_else(|| inside().next());
        found.map(|(_, value)| self.source(value).span)
    }

    /// Whether a variable that the text was put into stands in an expression.
    pub(super) fn names_text(&self, expr: &'a Expr) -> bool {
        let mut found = false;
        walk::each(expr, &mut |inner| {
            found |= matches!(&inner.kind, ExprKind::Var(id) if self.texts.contains(id) || self.parts.has(*id));
        });
        found
    }

    /// What an expression holds.
    pub(super) fn holds(&self, expr: &'a Expr) -> Holds {
        if self.closed.iter().any(|span| span.holds(expr.span)) {
            Holds::Nothing
        } else if let ExprKind::Var(id) = &expr.kind {
            if self.texts.contains(id) || self.parts.has(*id) {
                Holds::Text
            } else if self.errors.contains(id) {
                Holds::Error
            } else {
                Holds::Nothing
            }
        } else if let ExprKind::Member(object, name) = &expr.kind {
            self.member(object, name)
        } else if let ExprKind::Call(call) = &expr.kind {
            self.call(expr, call)
        } else if let ExprKind::Join(parts) = &expr.kind {
            match (self.seek, self.most(parts)) {
                (Seek::Message, Holds::Error) | (_, Holds::Text) => Holds::Text,
                (Seek::Trace | Seek::Answer, Holds::Error) | (_, Holds::Nothing) => Holds::Nothing,
            }
        } else if let ExprKind::Logic(crate::facts::Logic::And, _, right) = &expr.kind {
            self.holds(right)
        } else if let ExprKind::Choice(_, then, otherwise) = &expr.kind {
            self.holds(then).max(self.holds(otherwise))
        } else if let ExprKind::Compare(..) | ExprKind::Not(_) = &expr.kind {
            Holds::Nothing
        } else if let ExprKind::Index(object, key) = &expr.kind {
            match key.text() {
                Some(key) if self.is_other_part(object, key) => Holds::Nothing,
                Some(_) | None => self.holds(object),
            }
        } else if let ExprKind::Object(entries) = &expr.kind {
            // `new Error("no answer", { cause: error })`: for the log, no part of the text.
            let told = entries.iter().filter(|entry| {
                entry.key.as_deref() != Some("cause") || self.holds(&entry.value) == Holds::Text
            });
            self.most(told.map(|entry| &entry.value))
        } else if let ExprKind::Flow(stmt) = &expr.kind {
            let mut most = Holds::Nothing;
            self.flow(stmt, &mut most);
            most
        } else {
            self.most(walk::children(expr))
        }
    }

    /// The most that any of several expressions holds.
    fn most(&self, exprs: impl IntoIterator<Item = &'a Expr>) -> Holds {
        exprs
            .into_iter()
            .map(|expr| self.holds(expr))
            .max()
            .unwrap_or(Holds::Nothing)
    }

    fn flow(&self, stmt: &'a crate::facts::Stmt, most: &mut Holds) {
        if let StmtKind::Value(value) = &stmt.kind {
            *most = (*most).max(self.holds(value));
        }
        for block in walk::blocks(stmt) {
            for inner in block {
                self.flow(inner, most);
            }
        }
    }

    /// Whether a member of a variable is known not to hold the text that others hold.
    fn is_other_part(&self, object: &Expr, name: &str) -> bool {
        if let ExprKind::Var(id) = &object.kind {
            !self.texts.contains(id) && !self.errors.contains(id) && self.parts.lacks(*id, name)
        } else {
            false
        }
    }

    fn member(&self, object: &'a Expr, name: &str) -> Holds {
        if self.is_other_part(object, name) || self.is_no_trace(object, name) {
            return Holds::Nothing;
        }
        self.of_member(self.holds(object), name)
    }

    /// `wrapped.message` of an error that was made with a trace among its details: the message is no trace by that.
    fn is_no_trace(&self, object: &Expr, name: &str) -> bool {
        let by_parts = matches!(&object.kind, ExprKind::Var(id) if self.parts.has(*id));
        self.seek == Seek::Trace && !by_parts && matches!(name, "message" | "name" | "code")
    }

    /// What a member holds of what holds so much.
    fn of_member(&self, whole: Holds, name: &str) -> Holds {
        match (self.seek, whole) {
            (Seek::Trace, Holds::Error) if matches!(name, "stack" | "__traceback__") => Holds::Text,
            (Seek::Message, Holds::Error) if TEXT_MEMBERS.contains(&name) => Holds::Text,
            (Seek::Message, Holds::Error) if ANSWERS.contains(&name) => Holds::Error,
            (Seek::Answer, whole) => {
                remote::of_member(self.project.language(self.at.file), whole, name)
            }
            (_, Holds::Text) => Holds::Text,
            (Seek::Trace | Seek::Message, Holds::Error | Holds::Nothing) => Holds::Nothing,
        }
    }

    fn call(&self, expr: &'a Expr, call: &'a Call) -> Holds {
        let site = self.project.site_at(self.at, expr);
        let role = site.and_then(|site| site.role);
        let name = site.map_or("", |site| site.name());
        if role == Some(Role::Trace)
            || (name == "Stack"
                && site.is_some_and(|site| {
                    site.paths.iter().any(|path| path.ends_with("debug.Stack"))
                }))
        {
            return if self.seek == Seek::Trace {
                Holds::Text
            } else {
                Holds::Nothing
            };
        }
        if matches!(role, Some(Role::Log | Role::Stdout)) || PREDICATES.contains(&name) {
            return Holds::Nothing;
        }
        let says = |known: &[&str]| {
            let words = words::words(name);
            words.iter().any(|word| known.contains(&word.as_str()))
        };
        let is_read = site.is_some_and(|site| !site.targets.is_empty());
        // `bail_public!` makes a text public that was not.
        let is_promised = !is_read && name != "bail_public" && says(PROMISING);
        let is_cleaned = says(CLEANING)
            && site.is_none_or(|site| {
                let mut targets = site.targets.iter();
                !is_read || targets.any(|target| through::cleans(self.project, *target))
            });
        if is_cleaned || is_promised {
            return Holds::Nothing;
        }
        if let ExprKind::Member(object, method) = &call.callee.kind {
            // `payload.get("status")` is the member.
            if let ("get", Some(key)) = (&**method, call.arg(0).and_then(Expr::text))
                && self.is_other_part(object, key)
            {
                return Holds::Nothing;
            }
            match self.holds(object) {
                Holds::Text => return Holds::Text,
                Holds::Error if self.seek == Seek::Message && TEXT_METHODS.contains(&&**method) => {
                    return Holds::Text;
                }
                Holds::Error if self.seek == Seek::Answer && remote::READS.contains(&&**method) => {
                    return Holds::Text;
                }
                Holds::Error | Holds::Nothing => {}
            }
        }
        let given: Vec<Holds> = call.args.iter().map(|arg| self.holds(&arg.value)).collect();
        let most = given.iter().copied().max().unwrap_or(Holds::Nothing);
        if most == Holds::Nothing {
            return Holds::Nothing;
        }
        let targets: Vec<FnRef> = site.map(|site| site.targets.clone()).unwrap_or_default();
        if !targets.is_empty() && !self.is_construction(call) {
            return targets
                .iter()
                .map(|target| self.through(*target, call, &given))
                .max()
                .unwrap_or(Holds::Nothing);
        }
        match most {
            Holds::Text => Holds::Text,
            Holds::Error
                if self.seek == Seek::Message
                    && (CONVERTERS.contains(&name) || is_class_like(name)) =>
            {
                Holds::Text
            }
            Holds::Error if self.seek == Seek::Message && self.is_put_in(call) => Holds::Text,
            Holds::Error if self.seek == Seek::Trace && self.unfolds(expr, call) => Holds::Text,
            Holds::Error if self.seek == Seek::Answer => remote::of_reader(name),
            Holds::Error | Holds::Nothing => Holds::Nothing,
        }
    }

    /// Rust: whether a call makes a part of a result of the error as it is.
    fn is_put_in(&self, call: &Call) -> bool {
        self.project.language(self.at.file) == Language::Rust
            && results::takes_text(self.project, self.at, call)
    }

    fn is_construction(&self, call: &'a Call) -> bool {
        call.form == crate::facts::CallForm::New
            || self
                .project
                .values(self.at, &call.callee)
                .iter()
                .any(|value| matches!(value, Value::Class(_)))
    }

    /// The innermost expression that holds the text.
    pub(super) fn source(&self, expr: &'a Expr) -> &'a Expr {
        let mut at = expr;
        for _ in 0..crate::facts::MAX_DEPTH {
            let inner = walk::children(at)
                .into_iter()
                .find(|child| self.holds(child) == Holds::Text);
            let Some(inner) = inner else { break };
            at = inner;
        }
        at
    }
}

/// Whether a function, or one around it, is the body of a file.
pub(super) fn is_module(at: FnRef) -> bool {
    at.id == FnId::MODULE
}

fn is_class_like(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}
