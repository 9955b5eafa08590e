//! Requests of dropgate's own, whose answers stay here: the probe of the write path, and pings.

use dropgate_wire::{Id, edit, reply};

use crate::call_id::CallId;
use crate::downstream::stdio::Opening;

/// What a host without a handshake says of itself in every request, and so has to be said in a
/// probe as well.
const SAID_IN_EVERY_REQUEST: [&str; 3] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
];
/// The most of that which is kept, bytes.
const MAX_SAID: usize = 16 << 10;

/// What is known for probing, and the probe that runs.
#[derive(Debug)]
pub(crate) struct WriteProbe {
    /// None if nothing is probed.
    tool: Option<Box<str>>,
    /// What all ids of probes begin with: no host makes up the like.
    prefix: String,
    sent: u64,
    running: Option<CallId>,
    handshake: Handshake,
    /// How many lines of the server's answered probes since that was last asked.
    heard: usize,
}

/// How far host and server have come.
#[derive(Debug)]
enum Handshake {
    NotYet,
    Begun,
    Done,
    /// The protocol has none; this is the `_meta` of a request.
    Never(Box<[u8]>),
}

/// Whether an answer is that of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Of the one that runs.
    Awaited,
    /// Of one that was given up.
    TooLate,
    /// Of something else.
    Other,
}

impl WriteProbe {
    /// `seed` should be random.
    pub(crate) fn new(tool: Option<Box<str>>, seed: u64) -> Self {
        Self {
            tool,
            prefix: format!("dropgate-probe-{seed:016x}-"),
            sent: 0,
            running: None,
            handshake: Handshake::NotYet,
            heard: 0,
        }
    }

    /// The tool, if one is called.
    pub(crate) fn tool(&self) -> Option<&str> {
        self.tool.as_deref()
    }

    /// Whether host and server have come so far that calls make sense.
    pub(crate) fn may_begin(&self) -> bool {
        self.tool.is_some() && matches!(self.handshake, Handshake::Done | Handshake::Never(_))
    }

    /// Whether host and server began with a handshake.
    pub(crate) fn has_handshake(&self) -> bool {
        matches!(self.handshake, Handshake::Begun | Handshake::Done)
    }

    /// The host sent this.
    pub(crate) fn note_opening(&mut self, opening: &Opening) {
        match opening {
            Opening::Initialize(_) => self.handshake = Handshake::Begun,
            Opening::Initialized if self.has_handshake() => self.handshake = Handshake::Done,
            Opening::Initialized | Opening::None => {}
        }
    }

    /// The host sent this request.
    pub(crate) fn note_request(&mut self, request: &[u8]) {
        if self.tool.is_none() || !matches!(self.handshake, Handshake::NotYet) {
            return;
        }
        if let Some(said) = said_of_itself(request).filter(|said| said.len() <= MAX_SAID) {
            self.handshake = Handshake::Never(said.into());
        }
    }

    /// The message of a ping, which is the probe that runs from here on.
    pub(crate) fn next_ping(&mut self) -> Option<Vec<u8>> {
        let raw = self.begin()?;
        Some(reply::ping(&raw))
    }

    /// The message of a new probe, which is the one that runs from here on.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        self.tool.as_ref()?;
        let raw = self.begin()?;
        let tool = self.tool.as_deref()?;
        let meta = match &self.handshake {
            Handshake::Never(meta) => Some(&**meta),
            Handshake::NotYet | Handshake::Begun | Handshake::Done => None,
        };
        Some(reply::tool_call(&raw, tool, meta))
    }

    /// A new id, that of the probe which runs from here on.
    fn begin(&mut self) -> Option<Vec<u8>> {
        self.sent += 1;
        let raw = edit::quoted(&format!("{}{}", self.prefix, self.sent));
        self.running = Some(CallId::of_request(&Id::parse(&raw)?));
        Some(raw)
    }

    /// The server answered a call that is none of the host's.
    pub(crate) fn hear(&mut self, id: &CallId) -> Heard {
        if self.running.as_ref() == Some(id) {
            self.running = None;
            self.heard += 1;
            return Heard::Awaited;
        }
        if self.owns(id) {
            self.heard += 1;
            Heard::TooLate
        } else {
            Heard::Other
        }
    }

    /// Whether an id is one that only probes of this run have. No request of the host's may have it: the server's
    /// answer to one of the two would be taken for the other's.
    pub(crate) fn owns(&self, id: &CallId) -> bool {
        // As JSON writes it, in quotes.
        (self.tool.is_some() || self.sent > 0)
            && id
                .to_string()
                .get(1..)
                .is_some_and(|name| name.starts_with(&self.prefix))
    }

    /// The probe that runs is given up.
    pub(crate) fn give_up(&mut self) -> Option<CallId> {
        self.running.take()
    }

    /// How many lines were answers to probes since the last time.
    pub(crate) fn take_heard(&mut self) -> usize {
        std::mem::take(&mut self.heard)
    }
}

/// What a request says of its host, as the object `_meta` of another one; none unless it names the
/// version of the protocol.
fn said_of_itself(request: &[u8]) -> Option<Vec<u8>> {
    let mut meta = request;
    for name in ["params", "_meta"] {
        let [Some(at)] = edit::members(meta, [name])? else {
            return None;
        };
        meta = meta.get(at)?;
    }
    let found = edit::members(meta, SAID_IN_EVERY_REQUEST)?;
    let [Some(_version), _, _] = &found else {
        return None;
    };
    let mut said = Vec::new();
    for (name, at) in SAID_IN_EVERY_REQUEST.into_iter().zip(found) {
        if let Some(value) = at.and_then(|at| meta.get(at)) {
            said.push(if said.is_empty() { b'{' } else { b',' });
            said.extend(edit::quoted(name));
            said.push(b':');
            said.extend_from_slice(value);
        }
    }
    said.push(b'}');
    Some(said)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(probe: &mut WriteProbe) -> Value {
        serde_json::from_slice(&probe.next().expect("a tool is set")).expect("JSON")
    }

    fn id(message: &Value) -> CallId {
        let raw = message["id"].to_string();
        CallId::to_look_up(&Id::parse(raw.as_bytes()).expect("an id"))
    }

    #[test]
    fn answers_to_probes_are_known_however_late() {
        let mut probe = WriteProbe::new(Some("health".into()), 7);
        let first = sent(&mut probe);
        assert_eq!(first["method"], "tools/call");
        assert_eq!(first["params"], json!({"name": "health", "arguments": {}}));
        assert!(probe.give_up().is_some());
        let second = sent(&mut probe);
        assert!(probe.owns(&id(&first)) && probe.owns(&id(&second)));
        assert_eq!(probe.hear(&id(&second)), Heard::Awaited);
        assert_eq!(probe.hear(&id(&second)), Heard::TooLate);
        assert_eq!(probe.hear(&id(&first)), Heard::TooLate);
        for other in [json!(1), json!("dropgate-probe-"), json!("")] {
            let other = id(&json!({"id": other}));
            assert!(!probe.owns(&other));
            assert_eq!(probe.hear(&other), Heard::Other);
        }
        assert_eq!((probe.take_heard(), probe.take_heard()), (3, 0));
    }

    #[test]
    fn a_probe_waits_for_the_handshake_or_says_what_replaces_it() {
        let mut probe = WriteProbe::new(Some("health".into()), 7);
        assert!(!probe.may_begin());
        probe.note_opening(&Opening::Initialized);
        probe.note_request(br#"{"params":{"_meta":{"progressToken":1}}}"#);
        assert!(!probe.may_begin(), "nothing was begun");
        let request = br#"{"params":{"_meta":{"x":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        probe.note_request(request);
        assert!(probe.may_begin());
        assert_eq!(
            sent(&mut probe)["params"]["_meta"],
            json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"})
        );
        let raw = Id::parse(b"1").expect("an id");
        probe.note_opening(&Opening::Initialize(Box::new(CallId::of_request(&raw))));
        assert!(!probe.may_begin());
        probe.note_opening(&Opening::Initialized);
        assert!(probe.may_begin());
        assert_eq!(sent(&mut probe)["params"].get("_meta"), None);
        let mut without = WriteProbe::new(None, 7);
        without.note_request(request);
        assert!(!without.may_begin() && without.next().is_none());
        let ping: Value =
            serde_json::from_slice(&without.next_ping().expect("an id")).expect("JSON");
        assert_eq!(ping["method"], "ping");
        assert!(without.owns(&id(&ping)));
        assert_eq!(without.hear(&id(&ping)), Heard::Awaited);
    }
}
