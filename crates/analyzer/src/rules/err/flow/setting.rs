//! What the statements of a function put errors and their texts into.

use crate::facts::{Expr, ExprKind, Language, Pattern, Stmt, StmtKind, VarId, walk};

use super::{Flow, Holds};

impl<'a> Flow<'_, 'a> {
    pub(super) fn read_one(&mut self, stmt: &'a Stmt) {
        self.take(stmt);
        for block in walk::blocks(stmt) {
            for inner in block {
                self.read_one(inner);
            }
        }
    }

    /// Takes in what a statement sets, those inside it left out; the variables that it put something into.
    pub(in super::super) fn take(&mut self, stmt: &'a Stmt) -> Vec<VarId> {
        let mut set = Vec::new();
        if let StmtKind::Assign {
            target: Pattern::Var(id),
            value: Some(value),
        } = &stmt.kind
        {
            match self.holds(value) {
                Holds::Text => {
                    self.entered.push((*id, value));
                    self.set(*id, value);
                    set.push(*id);
                }
                Holds::Error => {
                    self.errors.insert(*id);
                    set.push(*id);
                }
                Holds::Nothing => {}
            }
        }
        // `const { message } = error`.
        if let StmtKind::Assign {
            target: Pattern::Object(parts),
            value: Some(value),
        } = &stmt.kind
        {
            for (name, part) in parts {
                let holds = self.member(value, name);
                if let Some(id) = part.variable().filter(|_| holds != Holds::Nothing) {
                    self.entered.push((id, value));
                    self.hold(id, holds);
                    set.push(id);
                }
            }
        }
        // `payload["details"] = text`: what holds a part of it holds it.
        if let StmtKind::Assign {
            target: Pattern::Place(place),
            value: Some(value),
        } = &stmt.kind
            && self.holds(value) == Holds::Text
        {
            set.extend(self.put(place));
        }
        if let StmtKind::Expr(expr) = &stmt.kind {
            set.extend(self.added(expr));
            set.extend(self.printed(expr));
        }
        set.extend(self.read_out(stmt));
        set.extend(self.matched(stmt));
        if let StmtKind::Loop {
            item: Some(Pattern::Var(id)),
            over: Some(over),
            ..
        } = &stmt.kind
            && self.holds(over) == Holds::Text
        {
            self.texts.insert(*id);
            set.push(*id);
        }
        set
    }

    pub(super) fn hold(&mut self, id: VarId, holds: Holds) {
        match holds {
            Holds::Text => drop(self.texts.insert(id)),
            Holds::Error => drop(self.errors.insert(id)),
            Holds::Nothing => {}
        }
    }

    /// A literal object holds the text only in some of its members.
    fn set(&mut self, id: VarId, value: &'a Expr) {
        let with_text = super::super::parts::keys(value, |inner| self.holds(inner) == Holds::Text);
        match with_text {
            Some(keys) => self.parts.add(id, keys),
            None => drop(self.texts.insert(id)),
        }
    }

    /// A place that holds the text: a member of a variable, or the variable as a whole.
    fn put(&mut self, place: &Expr) -> Option<VarId> {
        let (id, name) = super::super::parts::place(place)?;
        match name {
            Some(name) => self.parts.add(id, vec![name]),
            None => drop(self.texts.insert(id)),
        }
        Some(id)
    }

    /// `lines.append(text)`: the list holds what is added to it.
    fn added(&mut self, expr: &'a Expr) -> Option<VarId> {
        if let Some(call) = expr.call()
            && let ExprKind::Member(list, name) = &call.callee.kind
            && matches!(
                &**name,
                "append" | "extend" | "insert" | "push" | "unshift" | "push_str"
            )
            && call
                .args
                .iter()
                .any(|arg| self.holds(&arg.value) == Holds::Text)
        {
            return self.put(list);
        }
        None
    }

    /// Rust: `match error { Refused { message, .. } => … }`: what an arm takes out of an error. A text that stands alone in a variant
    /// is left out: it mostly is the author's own.
    fn matched(&mut self, stmt: &'a Stmt) -> Vec<VarId> {
        let StmtKind::Match { subject, arms } = &stmt.kind else {
            return Vec::new();
        };
        if self.project.language(self.at.file) != Language::Rust {
            return Vec::new();
        }
        let whole = self.holds(subject);
        if whole == Holds::Nothing {
            return Vec::new();
        }
        let mut held = Vec::new();
        for arm in arms {
            if whole == Holds::Text {
                let leaves = arm.pattern.leaves().into_iter();
                let ids = leaves.filter_map(Pattern::variable);
                held.extend(ids.map(|id| (id, Holds::Text)));
            } else {
                self.unpack(&arm.pattern, &mut held);
            }
        }
        for (id, holds) in &held {
            self.hold(*id, *holds);
        }
        held.into_iter().map(|(id, _)| id).collect()
    }

    /// What the variables of a pattern hold of the error that it is compared with.
    fn unpack(&self, pattern: &'a Pattern, held: &mut Vec<(VarId, Holds)>) {
        if let Pattern::Of(_, parts) | Pattern::Or(parts) = pattern {
            for part in parts {
                self.unpack(part, held);
            }
        } else if let Pattern::Object(parts) = pattern {
            let parts = parts.iter();
            held.extend(parts.filter_map(|(name, part)| {
                let holds = self.of_member(Holds::Error, name);
                Some((part.variable()?, holds)).filter(|_| holds != Holds::Nothing)
            }));
        } else if let Pattern::Var(id) = pattern
            && self
                .project
                .name_of(self.at.variable(*id))
                .is_some_and(|name| matches!(&*name, "e" | "err" | "error" | "source" | "inner"))
        {
            held.push((*id, Holds::Error));
        }
    }
}
