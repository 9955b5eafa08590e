//! What is read out of the answer of a remote end, where that is looked for.

use crate::facts::{Expr, ExprKind, Language, Pattern, Stmt, StmtKind, VarId, walk};

use super::{Flow, Holds, Seek};

/// Methods of an answer that give its body.
pub(super) const READS: &[&str] = &["text", "json", "bytes", "read", "aread"];

/// Members of an answer that hold its body, where it is not read by a method alone.
const fn bodies(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["text", "content", "data"],
        Language::TypeScript => &["data"],
        Language::Rust | Language::Go => &[],
    }
}

/// Members of a body that are no text: they say which error it was.
const PLAIN: &[&str] = &[
    "code",
    "status",
    "statusCode",
    "status_code",
    "Code",
    "Status",
    "StatusCode",
    "id",
    "ID",
    "type",
    "Type",
    "length",
];

/// What a member holds of an answer, or of its body.
pub(super) fn of_member(language: Language, whole: Holds, name: &str) -> Holds {
    match whole {
        Holds::Text if PLAIN.contains(&name) => Holds::Nothing,
        Holds::Text => Holds::Text,
        Holds::Error if bodies(language).contains(&name) => Holds::Text,
        // Go and streams: the body is still to be read.
        Holds::Error if matches!(name, "Body" | "body") => Holds::Error,
        Holds::Error | Holds::Nothing => Holds::Nothing,
    }
}

/// What a function gives that is handed an answer or its unread body.
pub(super) fn of_reader(name: &str) -> Holds {
    match name {
        "ReadAll" => Holds::Text,
        "LimitReader" | "MaxBytesReader" | "NewReader" | "NewDecoder" => Holds::Error,
        _other => Holds::Nothing,
    }
}

impl<'a> Flow<'_, 'a> {
    /// Go: `body, _ := io.ReadAll(response.Body)`, `json.Unmarshal(body, &refusal)`, `json.NewDecoder(response.Body).Decode(&refusal)`.
    pub(super) fn read_out(&mut self, stmt: &'a Stmt) -> Vec<VarId> {
        if self.seek != Seek::Answer || self.project.language(self.at.file) != Language::Go {
            return Vec::new();
        }
        let mut set = Vec::new();
        if let StmtKind::Assign {
            target: Pattern::List(parts),
            value: Some(value),
        } = &stmt.kind
            && self.holds(value) == Holds::Text
            && let Some(id) = parts.first().and_then(Pattern::variable)
        {
            self.entered.push((id, value));
            set.push(id);
        }
        walk::own_exprs(stmt, &mut |expr| set.extend(self.filled(expr)));
        self.texts.extend(set.iter().copied());
        set
    }

    /// The variable that a call decodes a body into.
    fn filled(&self, expr: &'a Expr) -> Option<VarId> {
        let ExprKind::Call(call) = &expr.kind else {
            return None;
        };
        let (from, into) = match crate::link::callee_name(&call.callee) {
            "Unmarshal" => (call.arg(0)?, call.arg(1)?),
            "Decode" => (call.receiver()?, call.arg(0)?),
            _other => return None,
        };
        let ExprKind::Var(id) = into.kind else {
            return None;
        };
        (self.holds(from) != Holds::Nothing).then_some(id)
    }
}
