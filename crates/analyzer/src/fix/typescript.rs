//! Edits of TypeScript and JavaScript.

use super::source::{Edit, Text, denial, offset};
use crate::facts::{Call, CallForm, Expr, ExprKind};
use crate::finding::Finding;

/// How long a call of the network may take after a fix: what dropgate gives a call by default.
const SIGNAL: &str = "signal: AbortSignal.timeout(30_000)";

pub(super) fn edits(text: &Text<'_>, finding: &Finding) -> Option<Vec<Edit>> {
    let (start, _, found) = text.of(finding)?;
    let edit = match &*finding.rule {
        "IO-001" => to_stderr(start, found)?,
        "TIME-001" => with_signal(text, finding)?,
        "ERR-004" => {
            found.strip_prefix('{')?;
            first_member(text, start + 1, "isError: true")?
        }
        "AUTH-001" => denial(start, found, "true", "false")?,
        "LIFE-003" => return both_signals(text, finding),
        "LIFE-004" => at_end_of_input(text)?,
        _other => return None,
    };
    Some(vec![edit])
}

fn to_stderr(start: usize, found: &str) -> Option<Edit> {
    let method = ["log", "info", "debug"].into_iter().find(|method| {
        found
            .strip_prefix("console.")
            .and_then(|rest| rest.strip_prefix(method))
            .is_some_and(|rest| rest.starts_with('('))
    })?;
    let at = start + "console.".len();
    Some(Edit::replace(at, at + method.len(), "error"))
}

fn with_signal(text: &Text<'_>, finding: &Finding) -> Option<Edit> {
    let call = text.call(finding)?;
    let is_fetch = matches!(&call.callee.kind, ExprKind::Global(name) if &**name == "fetch");
    let spread = call
        .args
        .iter()
        .any(|arg| matches!(arg.value.kind, ExprKind::Spread(_)));
    if !is_fetch || call.form != CallForm::Plain || spread {
        return None;
    }
    match call.args.as_slice() {
        [url] => Some(Edit::insert(
            offset(url.value.span.end),
            format!(", {{ {SIGNAL} }}"),
        )),
        [_, options] if matches!(options.value.kind, ExprKind::Object(_)) => {
            text.at(options.value.span)?.strip_prefix('{')?;
            let at = offset(options.value.span.start) + 1;
            first_member(text, at, SIGNAL)
        }
        _other => None,
    }
}

/// Puts a member before all others of an object literal whose brace ends at a byte, on a line of its own where the others have theirs.
fn first_member(text: &Text<'_>, at: usize, member: &str) -> Option<Edit> {
    let rest = text.text.get(at..)?;
    let next = rest.strip_prefix("\r\n").or(rest.strip_prefix('\n'));
    let Some(next) = next else {
        return Some(Edit::insert(at, format!(" {member},")));
    };
    let indent = next.len() - next.trim_start_matches([' ', '\t']).len();
    Some(Edit::insert(at, format!("\n{}{member},", &next[..indent])))
}

/// Registers the handler of SIGINT for SIGTERM as well.
fn both_signals(text: &Text<'_>, finding: &Finding) -> Option<Vec<Edit>> {
    let (start, end, found) = text.of(finding)?;
    let call = text.call(finding)?;
    let signal = registered(call, "SIGINT")?;
    let [_, handler] = call.args.as_slice() else {
        return None;
    };
    let indent = text.indent(start)?;
    let again = matches!(handler.value.kind, ExprKind::Var(_)) && !found.contains('\n');
    if again && text.hangs(start) {
        return None;
    }
    if again {
        let again = found.replacen("SIGINT", "SIGTERM", 1);
        let at = text.after_statement(end)?;
        return Some(vec![Edit::insert(at, format!("\n{indent}{again};"))]);
    }
    let name = "ending";
    if text.text.contains(name) {
        return None;
    }
    let typed = text.facts.path.ends_with("ts") || text.facts.path.ends_with("tsx");
    let constant = if typed { " as const" } else { "" };
    let (from, to) = (offset(signal.span.start), offset(signal.span.end));
    Some(vec![
        Edit::insert(
            start,
            format!("for (const {name} of [\"SIGINT\", \"SIGTERM\"]{constant}) "),
        ),
        Edit::replace(from, to, name),
    ])
}

/// Calls at the end of input what is called at SIGTERM.
fn at_end_of_input(text: &Text<'_>) -> Option<Edit> {
    if text.text.contains("process.stdin.on") {
        return None;
    }
    let expr = text.find(|expr, call| {
        call.is_some_and(|call| registered(call, "SIGTERM").is_some())
            && text.indent(offset(expr.span.start)) == Some("")
    })?;
    let [_, handler] = expr.call()?.args.as_slice() else {
        return None;
    };
    let handler_text = text.at(handler.value.span)?;
    let plain = matches!(handler.value.kind, ExprKind::Var(_))
        || handler_text.starts_with("() =>")
        || handler_text.starts_with("async () =>");
    if !plain || handler_text.contains('\n') {
        return None;
    }
    let at = text.after_statement(offset(expr.span.end))?;
    Some(Edit::insert(
        at,
        format!("\nprocess.stdin.once(\"end\", {handler_text});"),
    ))
}

/// The text of the signal in `process.on("SIGNAL", …)`.
fn registered<'a>(call: &'a Call, signal: &str) -> Option<&'a Expr> {
    let ExprKind::Member(object, method) = &call.callee.kind else {
        return None;
    };
    let on_process = matches!(&object.kind, ExprKind::Global(name) if &**name == "process");
    let first = &call.args.first()?.value;
    (on_process
        && matches!(&**method, "on" | "once")
        && first.text().is_some_and(|text| &**text == signal))
    .then_some(first)
}
