//! What the tests ask, and of whom.

use std::time::{Duration, SystemTime};

use dropgate_gate::decision::{Decision, Principal, Reason};
use dropgate_gate::pins::ToolPage;
use dropgate_policy::{
    Answer, CedarPolicies, Class, Complaints, Mode, Moment, Policies, PolicyFile, Question,
    Subject, sha256,
};
use serde_json::{Value, json};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The tools of a file server.
pub(crate) fn tools() -> Value {
    let path = json!({"type": "object", "required": ["path"],
        "properties": {"path": {"type": "string"}, "head": {"type": "integer"}}});
    json!([
        {"name": "read_file", "inputSchema": path, "annotations": {"readOnlyHint": true}},
        {"name": "write_file", "inputSchema": {"type": "object",
            "required": ["path", "content"],
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}}}},
        {"name": "ping"},
    ])
}

pub(crate) fn page(tools: &Value) -> ToolPage {
    let result = json!({ "tools": tools }).to_string();
    ToolPage::read(result.as_bytes(), None, sha256).unwrap()
}

pub(crate) fn file(text: &str) -> PolicyFile {
    PolicyFile {
        name: "p.cedar".to_owned(),
        text: text.to_owned(),
    }
}

/// Policies of the server `files`, which has not listed anything.
pub(crate) fn load(text: &str) -> Result<CedarPolicies, Complaints> {
    CedarPolicies::load("files", &[file(text)], DAY)
}

/// The same, once it has listed its tools without complaint.
pub(crate) fn cedar(text: &str) -> CedarPolicies {
    let mut policies = load(text).unwrap();
    assert_eq!(policies.learn(&page(&tools())), []);
    policies
}

/// What is asked, with everything owned.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) principal: Principal,
    pub(crate) method: &'static str,
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) mode: Mode,
    pub(crate) arguments: Option<Vec<u8>>,
    pub(crate) now: Moment,
}

impl Asked {
    pub(crate) fn call(tool: &str, arguments: &Value) -> Self {
        Self {
            principal: Principal::local(),
            method: "tools/call",
            name: tool.to_owned(),
            class: Class::Write,
            mode: Mode::ReadWrite,
            arguments: Some(arguments.to_string().into_bytes()),
            now: Moment {
                monotonic: Duration::from_secs(60),
                wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            },
        }
    }

    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            principal: &self.principal,
            subject: match self.method {
                "tools/call" => Subject::Tool(&self.name),
                "resources/read" => Subject::Resource(&self.name),
                "methods/call" => Subject::Method(&self.name),
                _ => Subject::Prompt(&self.name),
            },
            class: self.class,
            mode: self.mode,
            arguments: self.arguments.as_deref(),
            now: self.now,
        }
    }

    /// The policies' decision, which has to be there at once: none if it is a permit.
    pub(crate) fn of(&self, policies: &Policies) -> Option<Reason> {
        match policies.decide(&self.question()) {
            Answer::Now(decision) => reason(&decision),
            Answer::Later(_) => panic!("nothing remote is configured"),
        }
    }

    /// The decision, whenever it comes.
    pub(crate) async fn awaited(&self, policies: &Policies) -> Decision {
        let answer = policies.decide(&self.question());
        match answer {
            Answer::Now(decision) => decision,
            Answer::Later(pending) => pending.await,
        }
    }
}

pub(crate) fn reason(decision: &Decision) -> Option<Reason> {
    match decision {
        Decision::Allow(_) => None,
        Decision::Deny(denial) => Some(denial.reason()),
    }
}

/// How often each row is played: a share, or all of it when the long counts are asked for.
pub(crate) fn times(share: usize) -> usize {
    match std::env::var_os("DROPGATE_SOAK") {
        Some(_) => 1000,
        None => share,
    }
}
