//! `dropgate check --explain`: what would be decided about one call, and why.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use dropgate_gate::decision::Decision;
use dropgate_gate::mode::Class;
use dropgate_policy::{Answer, Mode, Moment, Question, Subject};

use crate::output;
use crate::verbs::run::meaning::Judges;

/// The call would be denied.
const DENIED: u8 = 1;

/// Prints the decision about a call of `tool`. A decision point is not asked: what it would be asked
/// is as good as allowed here, and is said.
pub(super) fn call(judges: &Judges, tool: &str, arguments: &str) -> ExitCode {
    let question = Question {
        principal: &judges.caller,
        subject: Subject::Tool(tool),
        class: judges.meant.tools.class_of(tool).unwrap_or(Class::Write),
        mode: Mode::ReadWrite,
        arguments: Some(arguments.as_bytes()),
        now: Moment {
            monotonic: Duration::ZERO,
            wall: SystemTime::now(),
        },
    };
    let (verdict, code) = match judges.policies.decide(&question) {
        Answer::Now(decision) => {
            let code = match &decision {
                Decision::Allow(_) => ExitCode::SUCCESS,
                Decision::Deny(_) => ExitCode::from(DENIED),
            };
            (decision.to_string(), code)
        }
        Answer::Later(_unasked) => (
            "left to the decision point, which is not asked here".to_owned(),
            ExitCode::SUCCESS,
        ),
    };
    let mut text = match judges.policies.explain(&question) {
        Some(explanation) => explanation.to_string(),
        None => format!(
            "tools/call {} for {}\n",
            tool.escape_debug(),
            judges.caller.name()
        ),
    };
    text.push_str(&verdict);
    output::print(&text);
    code
}
