//! Entries as lines.

use std::sync::Arc;

use super::tape::Tape;
use super::text::{bare_reference, count, hex, key, member, number, reference, string};
use super::time::{Clock, Stamp};
use crate::clear::{Clear, Sight};
use crate::entry::{
    About, Class, Decision, Entry, Intent, LateResult, MAX_POLICIES, Note, Outcome, Start, Tier,
};
use crate::keys::{Fingerprint, Keys, LONGEST_PATH, MOST_FIELDS};

/// What a scalar needs to be hashed: the path and the place of the value in one buffer.
#[derive(Default)]
pub(crate) struct Scratch {
    form: Vec<u8>,
    fields: Vec<u8>,
    shown: Vec<u8>,
    clear: Clear,
    /// What the last intent said of who asked for what.
    asked: Option<Asked>,
}

/// Members of an intent that are mostly those of the one before: they are copied then.
struct Asked {
    server: Arc<str>,
    tool: Arc<str>,
    class: Class,
    principal: Arc<str>,
    decision: Decision,
    members: Vec<u8>,
}

impl Asked {
    fn of(intent: &Intent) -> Self {
        let mut members = Vec::new();
        intent_members(&mut members, intent);
        Self {
            server: Arc::clone(&intent.server),
            tool: Arc::clone(&intent.tool),
            class: intent.class,
            principal: Arc::clone(&intent.principal),
            decision: intent.decision.clone(),
            members,
        }
    }

    /// Whether an intent says the same: what it shares with this one is equal.
    fn is_of(&self, intent: &Intent) -> bool {
        Arc::ptr_eq(&self.server, &intent.server)
            && Arc::ptr_eq(&self.tool, &intent.tool)
            && self.class == intent.class
            && Arc::ptr_eq(&self.principal, &intent.principal)
            && Arc::ptr_eq(&self.decision.policies, &intent.decision.policies)
            && Arc::ptr_eq(&self.decision.digest, &intent.decision.digest)
    }
}

impl Scratch {
    pub(crate) fn showing(clear: &Clear) -> Self {
        Self {
            clear: clear.clone(),
            ..Self::default()
        }
    }
}

/// Where the journal kept what an outcome carried.
pub(crate) enum Kept {
    /// There was nothing to keep.
    Nothing,
    /// In a sidecar: the record says where, and the hash of what stands there.
    At(String, super::hash::Hash),
    /// It was larger than what is kept.
    TooLarge,
    /// The disk did not take it.
    Dropped,
}

/// What stands in a record in place of where an answer is kept.
pub(crate) const TOO_LARGE: &str = "too_large";
pub(crate) const DROPPED: &str = "dropped";

/// Renders an entry as a line.
pub(crate) fn render(
    tape: &mut Tape,
    clock: &mut Clock,
    keys: &mut Keys,
    scratch: &mut Scratch,
    (entry, tier, kept): (&Entry, Tier, &Kept),
) {
    match entry {
        Entry::Start(start) => {
            tape.line(clock, "start", |out| start_members(out, start));
        }
        Entry::Intent(intent) => {
            let hashes = Hashes::of(intent, keys, scratch, clock.now());
            if scratch.asked.as_ref().is_none_or(|one| !one.is_of(intent)) {
                scratch.asked = Some(Asked::of(intent));
            }
            tape.line(clock, "intent", |out| {
                reference(out, "call", &intent.call);
                if let Some(asked) = &scratch.asked {
                    out.extend_from_slice(&asked.members);
                }
                hashes.members(out, scratch);
                if let Some(trace) = &intent.trace_id {
                    member(out, "trace_id", trace);
                }
                if tier == Tier::Write {
                    out.extend_from_slice(b",\"sent\":true");
                }
            });
        }
        Entry::Outcome(outcome) => {
            tape.line(clock, "outcome", |out| outcome_members(out, outcome, kept));
        }
        Entry::Delivered(call) => calls(tape, clock, "delivered", std::slice::from_ref(call)),
        Entry::LateResult(late) => {
            tape.line(clock, "late_result", |out| late_members(out, late));
        }
        Entry::Note(note) => {
            tape.line(clock, "note", |out| note_members(out, note));
        }
        Entry::LookUp(_) => {}
    }
}

/// Where a record has members of any number, they end after so many bytes and one member more: with
/// all its texts it stays shorter than the longest line that is read.
const ROOM_OF_FIELDS: usize = 24 << 10;
const ROOM_OF_POLICIES: usize = 8 << 10;

/// What a record says of a call's arguments, without saying them.
struct Hashes {
    claim: Option<[u8; 16]>,
    print: Option<Fingerprint>,
    arguments: [u8; 16],
    /// How many scalars have no hash of their own.
    more_fields: usize,
}

impl Hashes {
    fn of(intent: &Intent, keys: &mut Keys, scratch: &mut Scratch, now: Stamp) -> Self {
        let (mut fields, mut more_fields) = (0, 0);
        scratch.fields.clear();
        scratch.shown.clear();
        let (buffer, shown, clear) = (&mut scratch.fields, &mut scratch.shown, &scratch.clear);
        let scope = (&*intent.principal, &*intent.server, &*intent.tool);
        let day = keys.of_day(now);
        let arguments = keys.arguments(&intent.args, &mut scratch.form, &mut |path, value| {
            if clear.names(path) {
                show(shown, clear, path, value);
            }
            if fields < MOST_FIELDS && buffer.len() < ROOM_OF_FIELDS {
                fields += 1;
                field(buffer, path, &day.field(path, value));
            } else {
                more_fields += 1;
            }
        });
        // Only what may become an orphan, or has a key, is ever compared with another call.
        let is_compared = intent.class == Class::Write || intent.key.is_some();
        Self {
            claim: intent.key.as_deref().map(|key| keys.claim(scope, key)),
            print: is_compared.then(|| {
                keys.print_of_round(
                    scope,
                    &arguments,
                    intent.round.as_deref(),
                    &mut scratch.form,
                )
            }),
            arguments,
            more_fields,
        }
    }

    fn members(&self, out: &mut Vec<u8>, scratch: &Scratch) {
        if let Some(claim) = self.claim {
            hash(out, "key", &claim);
        }
        if let Some(print) = &self.print {
            hash(out, "fp", &print.0);
        }
        hash(out, "args", &self.arguments);
        for (name, members) in [("fields", &scratch.fields), ("clear", &scratch.shown)] {
            if !members.is_empty() {
                key(out, name);
                out.push(b'{');
                out.extend_from_slice(members);
                out.push(b'}');
            }
        }
        if self.more_fields > 0 {
            count(out, "more_fields", self.more_fields as u64);
        }
    }
}

/// Adds the hash of a scalar, by its path.
fn field(out: &mut Vec<u8>, path: &[u8], digest: &[u8]) {
    if !out.is_empty() {
        out.push(b',');
    }
    let shown = String::from_utf8_lossy(path);
    let end = shown.floor_char_boundary(LONGEST_PATH);
    string(out, shown.get(..end).unwrap_or_default());
    out.extend_from_slice(b":\"");
    hex(out, digest);
    out.push(b'"');
}

/// Adds a value that may be recorded as it is, unless that would be much, or it is a secret.
fn show(out: &mut Vec<u8>, clear: &Clear, path: &[u8], value: &[u8]) {
    const MOST: usize = 4096;
    let (Ok(path), Ok(value)) = (std::str::from_utf8(path), std::str::from_utf8(value)) else {
        return;
    };
    if out.len() + path.len() + value.len() > MOST {
        return;
    }
    let before = out.len();
    if !out.is_empty() {
        out.push(b',');
    }
    let member = out.len();
    string(out, path);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
    let written = out
        .get(member..)
        .and_then(|it| std::str::from_utf8(it).ok());
    let sight = written.map_or(Sight::Secret, |member| clear.sight(member));
    if out.len() > MOST || sight == Sight::Secret {
        out.truncate(before);
    }
}

/// The most calls that one line names.
const MOST_CALLS: usize = 2048;

/// Writes `kind` about several calls, in as many lines as it takes.
pub(crate) fn calls(tape: &mut Tape, clock: &mut Clock, kind: &str, calls: &[crate::CallRef]) {
    for some in calls.chunks(MOST_CALLS) {
        tape.line(clock, kind, |out| {
            list(out, "calls", some);
        });
    }
}

/// Appends `,"name":["L-…",…]`.
pub(crate) fn list(out: &mut Vec<u8>, name: &str, calls: &[crate::CallRef]) {
    key(out, name);
    out.push(b'[');
    for (at, call) in calls.iter().take(MOST_CALLS).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        bare_reference(out, call);
    }
    out.push(b']');
}

fn hash(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    key(out, name);
    out.push(b'"');
    hex(out, bytes);
    out.push(b'"');
}

fn class(out: &mut Vec<u8>, class: Class) {
    let word = match class {
        Class::Read => "read",
        Class::Write => "write",
    };
    member(out, "class", word);
}

fn start_members(out: &mut Vec<u8>, start: &Start) {
    member(out, "server", &start.server);
    member(out, "command_digest", &start.command_digest);
    count(out, "pid", u64::from(start.pid));
    member(out, "containment", &start.containment);
    count(out, "writer_pid", u64::from(std::process::id()));
}

fn intent_members(out: &mut Vec<u8>, intent: &Intent) {
    member(out, "server", &intent.server);
    member(out, "tool", &intent.tool);
    class(out, intent.class);
    member(out, "principal", &intent.principal);
    member(out, "decision", "allow");
    decision(out, &intent.decision);
}

fn decision(out: &mut Vec<u8>, decision: &Decision) {
    key(out, "policies");
    out.push(b'[');
    let most = out.len() + ROOM_OF_POLICIES;
    for (at, id) in decision.policies.iter().take(MAX_POLICIES).enumerate() {
        if out.len() > most {
            break;
        }
        if at > 0 {
            out.push(b',');
        }
        string(out, super::text::cut(id));
    }
    out.push(b']');
    if !decision.digest.is_empty() {
        member(out, "policy_digest", &decision.digest);
    }
}

fn outcome_members(out: &mut Vec<u8>, outcome: &Outcome, kept: &Kept) {
    reference(out, "call", &outcome.call);
    member(out, "outcome", outcome.what.word());
    member(out, "retry", outcome.retry.word());
    count(out, "bytes", outcome.bytes);
    count(out, "ms", outcome.ms);
    if outcome.redactions > 0 {
        count(out, "redactions", u64::from(outcome.redactions));
    }
    if let Some(about) = &outcome.about {
        about_members(out, about, outcome.what);
    }
    if let Some(earlier) = &outcome.repeats {
        reference(out, "repeats", earlier);
    }
    let name = match outcome.keep {
        crate::Keep::Nothing => return,
        crate::Keep::Result(_) => "result_ref",
        crate::Keep::Original(_) => "original_ref",
    };
    match kept {
        Kept::Nothing => {}
        Kept::At(place, digest) => {
            member(out, name, place);
            key(out, "kept_sha256");
            out.push(b'"');
            out.extend_from_slice(digest.text());
            out.push(b'"');
        }
        Kept::TooLarge => member(out, name, TOO_LARGE),
        Kept::Dropped => member(out, name, DROPPED),
    }
}

fn about_members(out: &mut Vec<u8>, about: &About, what: crate::What) {
    member(out, "server", &about.server);
    member(out, "tool", &about.tool);
    class(out, about.class);
    member(out, "principal", &about.principal);
    match what {
        crate::What::Denied => member(out, "decision", "deny"),
        crate::What::Completed
        | crate::What::ToolError
        | crate::What::RpcError
        | crate::What::InputRequired
        | crate::What::Cancelled
        | crate::What::TimedOut
        | crate::What::Shed
        | crate::What::NotExecuted
        | crate::What::Unknown => {}
    }
    decision(out, &about.decision);
}

fn late_members(out: &mut Vec<u8>, late: &LateResult) {
    reference(out, "call", &late.call);
    member(out, "would_be", late.what.word());
    count(out, "bytes", late.bytes);
    count(out, "ms", late.ms);
}

fn note_members(out: &mut Vec<u8>, note: &Note) {
    member(out, "topic", note.topic.word());
    if let Some(call) = &note.call {
        reference(out, "call", call);
    }
    member(out, "subject", &note.subject);
    member(out, "text", &note.text);
}

/// The first line of a segment.
pub(crate) fn segment_members(
    out: &mut Vec<u8>,
    (chain, segment): (&str, u64),
    (epoch, public): (u64, &str),
    open: &[crate::CallRef],
    poisoned: Option<&str>,
) {
    member(out, "chain", chain);
    count(out, "segment", segment);
    count(out, "epoch", epoch);
    member(out, "public_key", public);
    if !open.is_empty() {
        list(out, "open", open);
    }
    if let Some(why) = poisoned {
        // The segment before this one could not be written to its end; what
        // follows its last durable record is repeated here.
        out.extend_from_slice(b",\"poisoned\":true");
        member(out, "why", why);
    }
}

/// What was cut from a segment that a crash left torn.
pub(crate) fn recovered_members(
    out: &mut Vec<u8>,
    segment: u64,
    bytes: u64,
    digest: &super::hash::Hash,
) {
    count(out, "segment", segment);
    key(out, "bytes");
    number(out, bytes);
    key(out, "sha256");
    out.push(b'"');
    out.extend_from_slice(digest.text());
    out.push(b'"');
}
