//! Which variable a name means.

use std::collections::HashMap;

use crate::facts::{FnId, VarId};

/// A region of names: of the file, of a function, or of a comprehension or an `except` inside of these.
/// A class has none: its methods don't see its names, and they are read as fields.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    owner: FnId,
    names: HashMap<&'a str, VarId>,
    receiver: Option<&'a str>,
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A variable of the file.
    Var(VarId),
    /// The receiver of the method around.
    Receiver,
    /// Nothing that the file declares.
    Unknown,
}

/// The regions around a place, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    stack: Vec<Scope<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(owner: FnId) -> Self {
        Self {
            owner,
            names: HashMap::new(),
            receiver: None,
        }
    }

    /// Makes a name mean the receiver.
    pub(super) fn receive(&mut self, name: &'a str) {
        self.receiver = Some(name);
    }

    /// Makes a name mean a variable, unless it has a meaning here.
    pub(super) fn bind(&mut self, name: &'a str, variable: VarId) {
        self.names.entry(name).or_insert(variable);
    }

    pub(super) fn get(&self, name: &str) -> Option<VarId> {
        self.names.get(name).copied()
    }
}

impl<'a> Scopes<'a> {
    pub(super) fn push(&mut self, scope: Scope<'a>) {
        self.stack.push(scope);
    }

    pub(super) fn pop(&mut self) {
        self.stack.pop();
    }

    /// The function whose code is being read.
    pub(super) fn owner(&self) -> FnId {
        self.stack.last().map_or(FnId::MODULE, |scope| scope.owner)
    }

    /// The region of the file's own names.
    pub(super) fn module(&mut self) -> Option<&mut Scope<'a>> {
        self.stack.first_mut()
    }

    /// The innermost region.
    pub(super) fn innermost(&mut self) -> Option<&mut Scope<'a>> {
        self.stack.last_mut()
    }

    /// What a name means here.
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        for scope in self.stack.iter().rev() {
            if let Some(variable) = scope.names.get(name) {
                return Meaning::Var(*variable);
            }
            if scope.receiver == Some(name) {
                return Meaning::Receiver;
            }
        }
        Meaning::Unknown
    }
}
