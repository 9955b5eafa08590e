//! The two tools by which the model asks the journal: what became of a call, and to let it run again.
//! They are added to the server's list only where the configuration says so.

use std::time::Duration;

use dropgate_gate::breaker::Ended;
use dropgate_gate::call::{Authorized, Call, Withheld};
use dropgate_gate::mode::Class;
use dropgate_gate::outcome::{Outcome, Retry};
use dropgate_gate::pins::{ToolDefinition, ToolPage};
use dropgate_gate::refusal::meta;
use dropgate_journal::{Account, CallRef, Fate, What};
use dropgate_wire::reply::{self, Part};
use dropgate_wire::{Line, edit};
use serde_json::{Value, json};

use crate::candidate::Candidate;
use crate::cleaning::Leaving;
use crate::look_ups::{LookUp, Purpose};
use crate::recorder::{NoRecord, Recorder};
use crate::relay::Relay;
use crate::settings::JournalTools;
use crate::settlement::Told;

/// A tool of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnTool {
    /// Tells what became of a call.
    Outcome,
    /// Lets the next call like one whose fate is unknown run.
    Retry,
}

/// Those that are offered.
#[derive(Debug, Default)]
pub(crate) struct OwnTools(Vec<OwnTool>);

/// Whether a tool's answer is a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Result,
    Error,
}

impl OwnTool {
    const ALL: [Self; 2] = [Self::Outcome, Self::Retry];

    fn name(self) -> &'static str {
        match self {
            Self::Outcome => "dropgate_outcome",
            Self::Retry => "dropgate_retry",
        }
    }

    /// What it does to the world.
    pub(crate) fn class(self) -> Class {
        match self {
            Self::Outcome => Class::Read,
            Self::Retry => Class::Write,
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::Outcome => Purpose::Tell,
            Self::Retry => Purpose::Permit,
        }
    }

    /// Its entry in the list of tools.
    fn definition(self) -> Value {
        let (title, about) = match self {
            Self::Outcome => (
                "What became of a call",
                "Tells what became of an earlier call of this server, by the reference (ref) that \
                 its answer carried: whether it was completed, failed, never ran, or may have run.",
            ),
            Self::Retry => (
                "Let a call run again",
                "After a call whose outcome is unknown: lets the next identical call run, although \
                 the first one may have taken effect. First find out whether it did, and ask the \
                 user. This runs nothing itself; make the call again afterwards.",
            ),
        };
        let changes = self.class() == Class::Write;
        json!({
            "name": self.name(),
            "title": title,
            "description": about,
            "inputSchema": {
                "type": "object",
                "properties": {
                    "ref": {
                        "type": "string",
                        "description": "The reference of the call: L- and 13 letters or digits.",
                    },
                },
                "required": ["ref"],
                "additionalProperties": false,
            },
            "annotations": {
                "readOnlyHint": !changes,
                "destructiveHint": changes,
                "idempotentHint": true,
                "openWorldHint": false,
            },
        })
    }
}

impl OwnTools {
    pub(crate) fn offered(recorder: &Recorder, wanted: JournalTools) -> Self {
        match (recorder, wanted) {
            (Recorder::On(_), JournalTools::Offered) => Self(OwnTool::ALL.to_vec()),
            (Recorder::Off, _) | (_, JournalTools::Off) => Self::default(),
        }
    }

    /// The one that goes by this name.
    pub(crate) fn named(&self, name: &str) -> Option<OwnTool> {
        self.0.iter().copied().find(|tool| tool.name() == name)
    }

    /// The list of a server with ours at its end; none if it stays as it is.
    fn added_to(&self, line: &[u8]) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let [Some(result)] = edit::members(line, ["result"])? else {
            return None;
        };
        let [Some(tools)] = edit::members(line.get(result.clone())?, ["tools"])? else {
            return None;
        };
        let tools = result.start + tools.start..result.start + tools.end;
        if line.get(tools.start) != Some(&b'[') {
            return None;
        }
        let texts: Vec<String> = self
            .0
            .iter()
            .map(|tool| tool.definition().to_string())
            .collect();
        let item = edit::append_item(line, &tools, texts.join(",").as_bytes());
        edit::edited(line, vec![item])
    }

    /// As policies learn of them.
    fn definitions(&self) -> Vec<ToolDefinition> {
        let tools: Vec<Value> = self.0.iter().map(|tool| tool.definition()).collect();
        let list = json!({ "tools": tools }).to_string();
        ToolPage::read(list.as_bytes(), None, dropgate_policy::sha256)
            .map(|page| page.tools)
            .unwrap_or_default()
    }
}

impl Relay {
    /// The first page of the server's list, with ours at its end.
    pub(crate) fn with_own_tools(
        &self,
        line: &Line,
        leaving: Leaving,
        cursor: Option<&str>,
    ) -> Leaving {
        if cursor.is_some() {
            return leaving;
        }
        let list = leaving.bytes(&self.upstream, line);
        match list.and_then(|list| self.own_tools.added_to(list)) {
            Some(list) => Leaving::Instead(list),
            None => leaving,
        }
    }

    /// The server has listed its tools: a name that it uses itself is its own, and policies learn
    /// of ours.
    pub(crate) fn own_tools_beside(&mut self, page: &ToolPage) {
        let log = &mut self.log;
        self.own_tools.0.retain(|own| {
            let is_taken = page.tools.iter().any(|tool| tool.name() == own.name());
            if is_taken {
                let name = own.name();
                log.line(&format!(
                    "the server has a tool {name} itself, so ours is not offered"
                ));
            }
            !is_taken
        });
        if self.own_tools.0.is_empty() {
            return;
        }
        for complaint in self
            .settings
            .policies
            .learn_tools(&self.own_tools.definitions())
        {
            self.log.line(&format!("policy: {complaint}"));
        }
    }

    /// A call of a tool of ours, which was allowed.
    pub(crate) fn call_own_tool(
        &mut self,
        tool: OwnTool,
        candidate: &Candidate,
        call: Call<Authorized>,
        now: Duration,
    ) {
        let asked = reference(candidate.arguments(&self.downstream.intake.lines));
        let call = call.withhold();
        match asked {
            Some(earlier) => self.look_up(call, earlier, tool.purpose(), now),
            None => {
                let text = "The argument ref must be a reference as an answer carried it: L- and \
                            13 letters or digits from 2 to 7.";
                self.answer_as_tool(call, (Tone::Error, text.to_owned(), None), now);
            }
        }
    }

    /// What was found of the call that a tool of ours was asked about.
    pub(crate) fn answer_own_tool(
        &mut self,
        one: LookUp,
        account: Option<&Account>,
        now: Duration,
    ) {
        let Some(account) = account else {
            let text = format!(
                "The journal of this server knows no call {}; it may be older than what is kept.",
                one.earlier
            );
            return self.answer_as_tool(one.call, (Tone::Error, text, None), now);
        };
        let (tone, text) = match one.purpose {
            Purpose::Permit => self.permit(account),
            Purpose::Tell | Purpose::Replay(_) => (Tone::Result, told(account.what()).to_owned()),
        };
        let retry = account
            .ended
            .map_or(Retry::Unsafe.name(), |(_, retry)| retry.word());
        let call = json!({
            "outcome": account.word(),
            "retry": retry,
            "ref": account.call.to_string(),
        });
        let text = format!("{text} (ref {})", account.call);
        self.answer_as_tool(one.call, (tone, text, Some(call)), now);
    }

    /// Lets the next call like this one run, if nobody knows what became of it.
    fn permit(&mut self, account: &Account) -> (Tone, String) {
        let (tone, text) = match account.what().map(What::fate) {
            None => (
                Tone::Error,
                "That call is still running. Ask for its outcome later.",
            ),
            Some(Fate::Answered) => (
                Tone::Error,
                "That call was answered, so it is not made again. A new call that is meant needs \
                 no permission; give it a key of its own if it has one.",
            ),
            Some(Fate::Asked) => (
                Tone::Result,
                "The server asked for input in that call. Make it again with what it asked for.",
            ),
            Some(Fate::NeverRan) => (
                Tone::Result,
                "That call never ran, so it can simply be made again.",
            ),
            Some(Fate::MayHaveRun) => {
                match self
                    .recorder
                    .repeatable(account.call, OwnTool::Retry.name())
                {
                    Ok(()) => (
                        Tone::Result,
                        "The next call with the same arguments, and the same idempotency key if \
                         there was one, will run. Make it now.",
                    ),
                    Err(NoRecord) => (
                        Tone::Error,
                        "That can not be recorded at present, so nothing was changed.",
                    ),
                }
            }
        };
        (tone, text.to_owned())
    }

    /// Answers a call of a tool of ours. What is told of the call that it asked about stands in the structured content;
    /// `_meta` tells of this call itself, as everywhere.
    fn answer_as_tool(
        &mut self,
        call: Call<Withheld>,
        (tone, text, asked): (Tone, String, Option<Value>),
        now: Duration,
    ) {
        let Some(item) = self.docket.get(call.slot()) else {
            return;
        };
        let (id, reference) = (item.id.clone(), item.reference);
        let outcome = match tone {
            Tone::Result => Outcome::Completed,
            Tone::Error => Outcome::ToolError,
        };
        let reference = reference.map(|reference| reference.to_string());
        let own = meta(outcome, outcome.retry(), reference.as_deref());
        let mut result = json!({
            "content": [{ "type": "text", "text": text }],
            "isError": tone == Tone::Error,
            "_meta": { reply::OUTCOME: own },
        });
        if let (Value::Object(members), Some(asked)) = (&mut result, asked) {
            let told = json!({ "message": text, "call": asked });
            members.insert("structuredContent".to_owned(), told);
        }
        let line = reply::response(&id.raw(), Part::Result, result.to_string().as_bytes());
        let answer = Told {
            bytes: line.len(),
            ..Told::nothing()
        };
        let hold = self.close_case(call.finish(outcome), Ended::NotTried, answer, now);
        self.upstream.intake.insert(line, hold);
    }
}

fn reference(arguments: &[u8]) -> Option<CallRef> {
    let [at] = edit::members(arguments, ["ref"])?;
    let text: String = serde_json::from_slice(arguments.get(at?)?).ok()?;
    text.parse().ok()
}

/// What became of a call, for the model; nothing yet if it is still in flight.
fn told(what: Option<What>) -> &'static str {
    let Some(what) = what else {
        return "That call is still running.";
    };
    match what {
        What::Completed => "That call was completed: the server answered it with a result.",
        What::ToolError => "The tool failed and said so; part of the work may be done.",
        What::RpcError => {
            "The server answered that call with an error; part of the work may be done."
        }
        What::InputRequired => {
            "The server asked for input before it goes on; that call waits to be made again with it."
        }
        What::Cancelled => "That call was cancelled; part of the work may be done.",
        What::TimedOut => "The server did not answer in time; that call may have taken effect.",
        What::Denied => "That call was denied by policy, and nothing ran.",
        What::Shed => "There were too many calls, and that one was not sent; nothing ran.",
        What::NotExecuted => "That call never reached the server; nothing ran.",
        What::Unknown => {
            "That call reached the server and no answer came; it may have taken effect."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> OwnTools {
        OwnTools(OwnTool::ALL.to_vec())
    }

    #[test]
    fn our_tools_stand_at_the_end_and_every_other_byte_stays() {
        for (before, after) in [
            (
                r#"{"result":{"x":1.0, "tools":["#,
                "], \"y\":\"\\u0061\"}, \"id\":1}\n",
            ),
            (r#"{"id":1,"result":{"tools":[{"name":"a"}"#, "]}}\n"),
        ] {
            let list = format!("{before}{after}");
            let added = both().added_to(list.as_bytes()).expect("a list");
            let added = String::from_utf8(added).expect("text");
            let middle = added
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .expect("the rest is as it was");
            let middle = format!("[{}]", middle.trim_start_matches(','));
            let ours: Vec<Value> = serde_json::from_str(&middle).expect("a list");
            assert_eq!(ours, OwnTool::ALL.map(OwnTool::definition));
        }
        for odd in [
            r#"{"result":{"tools":{}}}"#,
            r#"{"result":{}}"#,
            r#"{"error":{}}"#,
            "[]",
        ] {
            assert_eq!(both().added_to(odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(
            OwnTools::default().added_to(br#"{"result":{"tools":[]}}"#),
            None
        );
    }

    #[test]
    fn policies_can_read_our_definitions() {
        let names: Vec<Box<str>> = both()
            .definitions()
            .iter()
            .map(|tool| tool.name().into())
            .collect();
        assert_eq!(names, ["dropgate_outcome".into(), "dropgate_retry".into()]);
    }

    #[test]
    fn only_a_reference_is_looked_up() {
        let found = reference(br#"{"ref":"L-AB2CD3EF4GH5I"}"#).expect("a reference");
        assert_eq!(found.to_string(), "L-AB2CD3EF4GH5I");
        for bad in [r#"{"ref":7}"#, r#"{"ref":"../.."}"#, "{}", ""] {
            assert_eq!(reference(bad.as_bytes()), None, "{bad}");
        }
    }
}
