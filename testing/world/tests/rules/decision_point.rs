//! A decision point of AuthZEN that decides by what a call says of itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use dropgate_testing_world::{Checked, Says as _};
use serde_json::Value;

/// The argument that it goes by: `no` is refused, `held` is permitted once that is released, and all
/// else is permitted.
const ARGUMENT: &str = "text";
/// The longest that a decision is held; a client gives up before that.
const HELD: Duration = Duration::from_secs(20);

/// Listens until it is dropped.
pub(crate) struct DecisionPoint {
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
            address: listener.local_addr().says("its address")?,
            ended: Arc::default(),
            gate: Arc::default(),
        };
        let (ended, gate) = (Arc::clone(&point.ended), Arc::clone(&point.gate));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let gate = Arc::clone(&gate);
                // A client that goes away is no matter of ours.
                std::thread::spawn(move || answer(&stream, &gate).ok());
            }
        });
        Ok(point)
    }

    /// The configuration that names it.
    pub(crate) fn config(&self) -> String {
        let address = self.address;
        format!("[authorize.authzen]\nurl = \"http://{address}/access/v1/evaluation\"\n")
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
fn answer(stream: &TcpStream, gate: &Gate) -> std::io::Result<()> {
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
    let asked: Value = serde_json::from_slice(&body)?;
    let permitted = match asked["context"]["arguments"][ARGUMENT].as_str() {
        Some("no") => false,
        Some("held") => gate.wait(|held| held.waiting += 1, |held| held.released),
        Some(_) | None => true,
    };
    let decision = format!("{{\"decision\":{permitted}}}");
    let length = decision.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{decision}"
    )
}
