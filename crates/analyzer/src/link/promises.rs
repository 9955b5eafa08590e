//! The functions that settle a promise made by hand: `new Promise((resolve, reject) => …)`.

use crate::facts::{CallForm, ExprKind, VariableKind};

use super::{Project, VarRef};

/// How a function settles a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// With an answer.
    Resolves,
    /// With a failure.
    Rejects,
}

impl Project<'_> {
    /// How a variable settles a promise, if it is one of the two functions that such a promise is made with.
    pub fn settling(&self, variable: VarRef) -> Option<Settling> {
        let declared = self.variable(variable)?;
        let settling = match declared.kind {
            VariableKind::Parameter(0) => Settling::Resolves,
            VariableKind::Parameter(1) => Settling::Rejects,
            VariableKind::Parameter(_)
            | VariableKind::Local
            | VariableKind::Constant
            | VariableKind::Caught
            | VariableKind::Import(_)
            | VariableKind::Function(_)
            | VariableKind::Class(_) => return None,
        };
        let made_with = self.function(variable.function(declared.owner))?;
        let around = variable.function(made_with.parent?);
        let mut sites = self.sites_holding(around, made_with.span);
        let is_made = sites.any(|site| {
            let first = site.call.arg(0).map(|arg| &arg.kind);
            site.call.form == CallForm::New
                && site.name() == "Promise"
                && matches!(first, Some(ExprKind::Function(id)) if *id == declared.owner)
        });
        is_made.then_some(settling)
    }
}
