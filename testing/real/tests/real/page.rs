//! A web server on the loopback address: one page that loads, and places that never answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Requests that are remembered until somebody asks, and connections that are held.
const KEPT: usize = 256;

/// How long a connection may take to send its request; browsers open some that never do.
const REQUEST: Duration = Duration::from_secs(20);

const PAGE: &str = "<!doctype html><title>a page of the test</title><h1>hello</h1>";

pub(crate) struct Page {
    address: String,
    asked: Receiver<String>,
    ending: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Page {
    pub(crate) const TITLE: &str = "a page of the test";

    pub(crate) fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("its address").to_string();
        let (tell, asked) = sync_channel(KEPT);
        let ending = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ending);
        let listener = thread::spawn(move || listen(&listener, &tell, &over));
        Self {
            address,
            asked,
            ending,
            listener: Some(listener),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Everything below it is heard and never answered.
    pub(crate) fn mute(&self) -> String {
        format!("http://{}/mute", self.address)
    }

    /// Waits until something below [`Page::mute`] was asked for: then the call is in flight.
    pub(crate) fn await_mute(&self, limit: Duration) -> Result<(), String> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.asked.recv_timeout(left) {
                Ok(path) if path.starts_with("/mute") => return Ok(()),
                Ok(_) => {}
                Err(_) => return Err(format!("nobody asked for {} in {limit:?}", self.mute())),
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _wakes_it = TcpStream::connect(&self.address);
        if let Some(listener) = self.listener.take() {
            let _ended = listener.join();
        }
    }
}

fn listen(listener: &TcpListener, tell: &SyncSender<String>, over: &AtomicBool) {
    let held = Arc::new(Mutex::new(Vec::new()));
    for connection in listener.incoming().take(KEPT) {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let Ok(connection) = connection else { continue };
        let (tell, held) = (tell.clone(), Arc::clone(&held));
        thread::spawn(move || {
            if let Some(mute) = answer(connection, &tell) {
                held.lock().expect("no thread panics here").push(mute);
            }
        });
    }
}

/// Answers one request; a connection to a mute place is given back to be held.
fn answer(connection: TcpStream, tell: &SyncSender<String>) -> Option<TcpStream> {
    connection.set_read_timeout(Some(REQUEST)).ok()?;
    let mut lines = BufReader::new(&connection).lines();
    let request = lines.next()?.ok()?;
    let path = request.split(' ').nth(1)?.to_owned();
    while !lines.next()?.ok()?.is_empty() {}
    let _nobody_asks = tell.try_send(path.clone());
    if path.starts_with("/mute") {
        return Some(connection);
    }
    let (status, body) = match path.as_str() {
        "/" => ("200 OK", PAGE),
        _ => ("404 Not Found", ""),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    (&connection).write_all(head.as_bytes()).ok()?;
    None
}
