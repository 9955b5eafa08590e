//! A decision point of AuthZEN that decides by what a call says of itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use dropgate_testing_world::{Checked, Says as _};
use serde_json::Value;

/// The argument that it goes by: `no` is refused, `held` is permitted once that is released, the name
/// of one of [`FAULTS`] is answered by that, and all else is permitted.
const ARGUMENT: &str = "text";
/// The longest that a decision is held; a client gives up before that.
const HELD: Duration = Duration::from_secs(20);

/// What may be wrong with an answer.
pub(crate) enum Fault {
    /// It has this status line, these headers and this body.
    Says(&'static str, &'static str, &'static str),
    /// There is none: whoever decides panics.
    Panics,
    /// It never comes to its end.
    Drips,
    /// It is the permission, with more white space around it than is read.
    Swells,
}

const OK: &str = "200 OK";
const PERMISSION: &str = r#"{"decision":true}"#;

/// Faults by name.
pub(crate) const FAULTS: &[(&str, Fault)] = &[
    ("a text", Fault::Says(OK, "", r#"{"decision":"true"}"#)),
    ("a number", Fault::Says(OK, "", r#"{"decision":1}"#)),
    ("an empty object", Fault::Says(OK, "", "{}")),
    ("null", Fault::Says(OK, "", "null")),
    ("a bare true", Fault::Says(OK, "", "true")),
    ("nothing", Fault::Says(OK, "", "")),
    (
        "a key twice",
        Fault::Says(OK, "", r#"{"decision":false,"decision":true}"#),
    ),
    ("half of it", Fault::Says(OK, "", r#"{"decision":true"#)),
    (
        "status 500",
        Fault::Says("500 Internal Server Error", "", PERMISSION),
    ),
    (
        "a redirect",
        Fault::Says(
            "307 Temporary Redirect",
            "Location: /elsewhere\r\n",
            PERMISSION,
        ),
    ),
    ("a panic", Fault::Panics),
    ("a drip", Fault::Drips),
    ("too much", Fault::Swells),
];

/// More than is read of an answer, bytes.
const SWOLLEN: usize = 1 << 20;

/// Listens until it is dropped.
pub(crate) struct DecisionPoint {
    asked: Arc<AtomicUsize>,
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    waiting: u32,
    released: bool,
}

impl Gate {
    /// Waits until this is true, if it comes to that in time.
    fn wait(&self, change: impl FnOnce(&mut Held), until: impl Fn(&Held) -> bool) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut held);
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_timeout_while(held, HELD, |held| !until(held));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl DecisionPoint {
    pub(crate) fn listen() -> Checked<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").says("a decision point")?;
        let point = Self {
            asked: Arc::default(),
            address: listener.local_addr().says("its address")?,
            ended: Arc::default(),
            gate: Arc::default(),
        };
        let (ended, gate) = (Arc::clone(&point.ended), Arc::clone(&point.gate));
        let asked = Arc::clone(&point.asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (gate, asked) = (Arc::clone(&gate), Arc::clone(&asked));
                // A client that goes away is no matter of ours.
                std::thread::spawn(move || answer(&stream, &gate, &asked).ok());
            }
        });
        Ok(point)
    }

    /// The configuration that names it.
    pub(crate) fn config(&self) -> String {
        let address = self.address;
        format!("[authorize.authzen]\nurl = \"http://{address}/access/v1/evaluation\"\n")
    }

    /// How many questions came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until a decision is held, and then gives it when `meanwhile` is over.
    pub(crate) fn hold(&self, meanwhile: impl FnOnce() -> Checked) -> Checked {
        if !self.gate.wait(|_| {}, |held| held.waiting > 0) {
            return Err("nobody asked what was to be held".to_owned());
        }
        let done = meanwhile();
        self.gate.wait(|held| held.released = true, |_| true);
        done
    }
}

impl Drop for DecisionPoint {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which sees it.
        let _woken = TcpStream::connect(self.address);
    }
}

/// Answers one question, and closes.
fn answer(stream: &TcpStream, gate: &Gate, questions: &AtomicUsize) -> std::io::Result<()> {
    stream.set_read_timeout(Some(HELD))?;
    let mut reader = BufReader::new(stream).take(1 << 20);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    questions.fetch_add(1, Ordering::SeqCst);
    let asked: Value = serde_json::from_slice(&body)?;
    let argument = asked["context"]["arguments"][ARGUMENT].as_str();
    let fault = FAULTS.iter().find(|(name, _)| Some(*name) == argument);
    if let Some((_, fault)) = fault {
        return fail(stream, fault);
    }
    let permitted = match argument {
        Some("no") => false,
        Some("held") => gate.wait(|held| held.waiting += 1, |held| held.released),
        Some(_) | None => true,
    };
    say(stream, OK, "", &format!("{{\"decision\":{permitted}}}"))
}

fn say(mut stream: &TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn fail(mut stream: &TcpStream, fault: &Fault) -> std::io::Result<()> {
    match fault {
        Fault::Says(status, headers, body) => say(stream, status, headers, body),
        // As a panic goes, but for the message.
        Fault::Panics => std::panic::resume_unwind(Box::new("as a decider might")),
        Fault::Drips => {
            let beginning = format!("HTTP/1.1 {OK}\r\nContent-Length: 17\r\n\r\n{{\"decis");
            stream.write_all(beginning.as_bytes())?;
            // Until the client gives up.
            stream.read_to_end(&mut Vec::new()).map(drop)
        }
        Fault::Swells => {
            let body = format!("{PERMISSION}{}", " ".repeat(SWOLLEN));
            say(stream, OK, "", &body)
        }
    }
}
