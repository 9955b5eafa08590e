//! Where a trace comes out of an error whole, without being asked for by its name.

use crate::facts::{Call, Expr, ExprKind, VarId};

use super::{Flow, Seek};

impl<'a> Flow<'_, 'a> {
    /// Python: `traceback.print_exc(file=buffer)`.
    pub(super) fn printed(&mut self, expr: &'a Expr) -> Option<VarId> {
        let into = expr.call()?.option("file")?;
        let site = self.project.site_at(self.at, expr)?;
        let ExprKind::Var(id) = into.kind else {
            return None;
        };
        let is_trace = site
            .paths
            .iter()
            .any(|path| path.starts_with("traceback.print_"));
        (is_trace && self.seek == Seek::Trace).then(|| {
            self.texts.insert(id);
            id
        })
    }

    /// Whether a call writes an error with all that is in it, its trace too: `util.inspect(e)`, `serializeError(e)`,
    /// `JSON.stringify(e, Object.getOwnPropertyNames(e))`, and `{e:?}` of an error that keeps one.
    pub(super) fn unfolds(&self, expr: &'a Expr, call: &'a Call) -> bool {
        let Some(site) = self.project.site_at(self.at, expr) else {
            return false;
        };
        let by_path = site
            .paths
            .iter()
            .any(|path| path.ends_with("util.inspect") || path.starts_with("serialize-error."));
        let by_names = site.name() == "stringify"
            && call.arg(1).and_then(Expr::call).is_some_and(|names| {
                crate::link::callee_name(&names.callee) == "getOwnPropertyNames"
            });
        let by_form = site.name() == "Debug"
            && call.arg(0).is_some_and(
                |error| matches!(&error.bare().kind, ExprKind::Var(id) if self.shown.contains(id)),
            );
        by_path || by_names || by_form
    }
}
