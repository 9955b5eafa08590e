//! Texts of policies become policies that know their ids and places.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use cedar_policy::{Policy, PolicyId, PolicySet};
use miette::Diagnostic;
use serde_json::Value;

use super::complaint::{Complaint, Complaints, Severity};
use super::nesting::{MAX_NESTING, MAX_OPERATORS, too_deep};
use super::shadow::{Lasts, Shadow};
use crate::sha::sha256;

/// The most policies of one set.
pub const MAX_POLICIES: usize = 10_000;

/// The most text of one set of policies, in bytes.
pub const MAX_POLICY_TEXT: usize = 8 * 1024 * 1024;

/// The longest `@id`, in bytes.
const MAX_ID: usize = 128;

/// A file of policies, as the caller read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// How complaints and ids name it, for example `policies/files.cedar`.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// One policy and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) policy: Policy,
    pub(super) file: Box<str>,
    pub(super) line: usize,
    pub(super) reach: Reach,
    /// As long as it denies nothing.
    pub(super) shadow: Option<Shadow>,
}

/// Whether a policy can be checked before the server has listed its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It looks at nothing whose type only the server's list tells.
    Always,
    /// It looks at `context.args`.
    Arguments,
}

impl Placed {
    pub(super) fn id(&self) -> String {
        let id: &str = self.policy.id().as_ref();
        id.to_owned()
    }

    /// Whether it denies nothing yet, when the wall says this.
    pub(super) fn is_in_shadow(&self, wall: SystemTime) -> bool {
        let shadow = self.shadow.as_ref();
        shadow.is_some_and(|shadow| shadow.lasts(wall) == Lasts::Still)
    }

    pub(super) fn complain(&self, severity: Severity, text: String) -> Complaint {
        Complaint {
            severity,
            file: self.file.to_string(),
            line: self.line,
            text,
        }
    }
}

/// Stands for the texts of all files, in their order.
pub(super) fn digest(files: &[PolicyFile]) -> Arc<str> {
    let lines: String = files
        .iter()
        .map(|file| hex(&sha256(file.text.as_bytes())) + "\n")
        .collect();
    hex(&sha256(lines.as_bytes())).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Parses all files. Ids are the `@id` annotations, otherwise `file:line`.
pub(super) fn parse(files: &[PolicyFile]) -> Result<Vec<Placed>, Complaints> {
    let length: usize = files.iter().map(|file| file.text.len()).sum();
    let whole = |text: String| Complaint {
        severity: Severity::Error,
        file: files
            .first()
            .map_or("policies", |file| &file.name)
            .to_owned(),
        line: 0,
        text,
    };
    if length > MAX_POLICY_TEXT {
        return Err(whole(format!(
            "the policies are {length} bytes long, and {MAX_POLICY_TEXT} are allowed; split them \
             among servers"
        ))
        .into());
    }
    let mut complaints = Vec::new();
    let mut all = Vec::new();
    let mut ids = HashSet::new();
    for file in files {
        match parse_file(file, &mut ids) {
            Ok(policies) => all.extend(policies),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if all.len() > MAX_POLICIES {
        complaints.push(whole(format!(
            "there are {} policies, and {MAX_POLICIES} are allowed; split them among servers",
            all.len()
        )));
    }
    match Complaints::of(complaints) {
        Some(complaints) => Err(complaints),
        None => Ok(all),
    }
}

fn parse_file(file: &PolicyFile, ids: &mut HashSet<String>) -> Result<Vec<Placed>, Complaint> {
    let lines = Lines::of(&file.text);
    let complain = |line: usize, text: String| Complaint {
        severity: Severity::Error,
        file: file.name.clone(),
        line,
        text,
    };
    if let Some(offset) = too_deep(&file.text) {
        let text = format!(
            "one policy has more than {MAX_NESTING} levels of brackets and `if`, or more than \
             {MAX_OPERATORS} operators, up to here; write it as several policies"
        );
        return Err(complain(lines.at(offset), text));
    }
    let set: PolicySet = file
        .text
        .parse()
        .map_err(|errors: cedar_policy::ParseErrors| {
            let offset = first_label(&errors).unwrap_or(0);
            let text = format!("not a Cedar policy: {}", explained(&errors));
            complain(lines.at(offset), text)
        })?;
    if let Some(template) = set.templates().next() {
        let start = template.as_ref().loc().map_or(0, |loc| loc.start());
        let text = "this is a template, and nothing here fills it; write a policy without slots";
        return Err(complain(lines.at(start), text.to_owned()));
    }
    let mut placed: Vec<(usize, &Policy)> = set
        .policies()
        .map(|policy| (policy.as_ref().loc().map_or(0, |loc| loc.start()), policy))
        .collect();
    placed.sort_unstable_by_key(|(start, _policy)| *start);
    let mut policies = Vec::with_capacity(placed.len());
    for (start, policy) in placed {
        let line = lines.at(start);
        let id = match policy.annotation("id") {
            Some(id) if id.is_empty() || id.len() > MAX_ID || id.chars().any(char::is_control) => {
                let text = format!(
                    "an @id has 1 to {MAX_ID} bytes and no control characters; choose another"
                );
                return Err(complain(line, text));
            }
            Some(id) if ids.contains(id) => {
                let text = format!("the @id {id:?} stands twice; choose another");
                return Err(complain(line, text));
            }
            Some(id) => id.to_owned(),
            None => free_id(&file.name, line, ids),
        };
        ids.insert(id.clone());
        let shadow = Shadow::of(policy).map_err(|text| complain(line, text))?;
        policies.push(Placed {
            reach: reach(policy),
            shadow,
            policy: policy.new_id(PolicyId::new(id)),
            file: file.name.as_str().into(),
            line,
        });
    }
    Ok(policies)
}

/// `file:line`, with a letter after it when the line has several policies.
fn free_id(file: &str, line: usize, ids: &HashSet<String>) -> String {
    let plain = format!("{file}:{line}");
    if !ids.contains(&plain) {
        return plain;
    }
    let numbered = (2..=MAX_POLICIES).map(|nth| format!("{plain}#{nth}"));
    let mut free = numbered.filter(|id| !ids.contains(id));
    free.next().unwrap_or(plain)
}

fn reach(policy: &Policy) -> Reach {
    match policy.to_json() {
        Ok(json) if !names_arguments(&json) => Reach::Always,
        Ok(_) | Err(_) => Reach::Arguments,
    }
}

/// Whether an access to an attribute `args` stands anywhere in it.
fn names_arguments(json: &Value) -> bool {
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(names_arguments),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| (key == "attr" && is_arguments(value)) || names_arguments(value)),
    }
}

fn is_arguments(attribute: &Value) -> bool {
    match attribute {
        Value::String(name) => name == "args",
        Value::Array(path) => path.first().is_some_and(|first| first == "args"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// What the error says, with its advice.
pub(super) fn explained(error: &impl Diagnostic) -> String {
    match error.help() {
        Some(help) => format!("{error} ({help})"),
        None => error.to_string(),
    }
}

fn first_label(error: &impl Diagnostic) -> Option<usize> {
    Some(error.labels()?.next()?.offset())
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _end)| at).collect())
    }

    /// The line of an offset, from 1.
    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}
