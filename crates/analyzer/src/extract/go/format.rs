//! `fmt.Sprintf` and its like: texts put together from parts.

use super::Lower;
use super::exprs::call;
use crate::facts::{Arg, CallForm, Expr, ExprKind, ImportItem, Name, VariableKind};

impl Lower<'_> {
    /// The parts of `fmt.Sprintf("…%s…", x)` and `fmt.Sprint(x, y)`; `None` for other calls.
    pub(super) fn formatted(&mut self, callee: &Expr, args: &[Arg]) -> Option<ExprKind> {
        let ExprKind::Member(object, name) = &callee.kind else {
            return None;
        };
        if !self.is_import(object, "fmt") {
            return None;
        }
        let values: Vec<Expr> = args.iter().map(|arg| arg.value.clone()).collect();
        match &**name {
            "Sprint" | "Sprintln" => Some(ExprKind::Join(values)),
            "Sprintf" => {
                let (format, rest) = values.split_first()?;
                let Some(text) = format.text().cloned() else {
                    return Some(ExprKind::Join(values));
                };
                Some(ExprKind::Join(parts(&text, format, rest)))
            }
            _ => None,
        }
    }

    /// Whether an expression is the import of this package.
    fn is_import(&self, expr: &Expr, package: &str) -> bool {
        let ExprKind::Var(id) = expr.kind else {
            return false;
        };
        let at = |id: u32| usize::try_from(id).unwrap_or(usize::MAX);
        let variable = self.build.facts.variables.get(at(id.0));
        let Some(VariableKind::Import(import)) = variable.map(|variable| variable.kind) else {
            return false;
        };
        self.build
            .facts
            .imports
            .get(at(import.0))
            .is_some_and(|import| &*import.source == package && import.item == ImportItem::Module)
    }
}

/// Texts and values in order. `%+v` of an error shows its stack where the error has one.
fn parts(text: &str, format: &Expr, values: &[Expr]) -> Vec<Expr> {
    let mut all = Vec::new();
    let mut values = values.iter().cloned();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        let length = after
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_alphabetic() || *c == '%')
            .map_or(after.len(), |(place, c)| place + c.len_utf8());
        let (verb, tail) = after.split_at(length);
        add_text(before, format, &mut all);
        if verb.ends_with('%') && verb.len() > 1 {
            add_text("%", format, &mut all);
        } else if let Some(value) = values.next() {
            all.push(if verb == "%+v" { debug(value) } else { value });
        }
        rest = tail;
    }
    add_text(rest, format, &mut all);
    all.extend(values);
    all
}

fn add_text(text: &str, format: &Expr, all: &mut Vec<Expr>) {
    if !text.is_empty() {
        all.push(Expr {
            kind: ExprKind::Str(Name::from(text)),
            span: format.span,
        });
    }
}

fn debug(value: Expr) -> Expr {
    let span = value.span;
    let callee = Expr {
        kind: ExprKind::Global(Name::from("Debug")),
        span,
    };
    call(
        CallForm::Plain,
        callee,
        vec![Arg { name: None, value }],
        span,
    )
}
