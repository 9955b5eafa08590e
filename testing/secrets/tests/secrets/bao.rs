//! A real OpenBao in memory.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::base::{Folder, counterparts};

/// The token that it is started with.
pub(crate) const ROOT: &str = "root-token-of-this-test";
/// A cold start on a loaded machine.
pub(crate) const START: Duration = Duration::from_secs(60);

/// How it is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Plain,
    /// With certificates that it makes for itself.
    Tls,
}

/// Ended when dropped.
pub(crate) struct Bao {
    child: Child,
    program: PathBuf,
    wire: Wire,
    pub(crate) port: u16,
    pub(crate) folder: Folder,
}

impl Bao {
    /// Starts one, or says that the test is skipped.
    pub(crate) fn start(test: &str, wire: Wire) -> Option<Self> {
        let program = counterparts(test)?.join("bin/bao");
        let folder = Folder::new();
        let port = free_port();
        let mut command = Command::new(&program);
        command.args(["server", "-dev-no-store-token"]);
        match wire {
            Wire::Plain => command.arg("-dev"),
            Wire::Tls => command
                .arg("-dev-tls")
                .arg(format!("-dev-tls-cert-dir={}", folder.path().display())),
        };
        let child = command
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the OpenBao of the counterparts starts");
        let bao = Self {
            child,
            program,
            wire,
            port,
            folder,
        };
        let until = Instant::now() + START;
        while !bao.is_ready() {
            assert!(Instant::now() < until, "OpenBao does not start");
            std::thread::yield_now();
        }
        Some(bao)
    }

    pub(crate) fn url(&self) -> String {
        let scheme = match self.wire {
            Wire::Plain => "http",
            Wire::Tls => "https",
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The certificate that signs its own.
    pub(crate) fn roots(&self) -> PathBuf {
        let names = ["vault-ca.pem", "openbao-ca.pem", "bao-ca.pem"];
        let mut paths = names.iter().map(|name| self.folder.path().join(name));
        paths
            .find(|path| path.exists())
            .expect("it made certificates")
    }

    /// Runs its own program as root.
    pub(crate) fn run(&self, words: &[&str]) -> bool {
        let mut command = Command::new(&self.program);
        if self.wire == Wire::Tls {
            command.env("BAO_CACERT", self.roots());
        }
        let status = command
            .args(words)
            .env("BAO_ADDR", self.url())
            .env("BAO_TOKEN", ROOT)
            .env("HOME", self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("its program runs").success()
    }

    /// Asks over a plain wire, as root.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_to_ask(method, path, ROOT, "", body)
            .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    /// Asks with a token and, unless that is empty, a time to wrap the answer for.
    pub(crate) fn try_to_ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        wrap: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let said = |error: std::io::Error| error.to_string();
        let body = body.to_string();
        let wrap = if wrap.is_empty() {
            String::new()
        } else {
            format!("X-Vault-Wrap-TTL: {wrap}\r\n")
        };
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).map_err(said)?;
        socket.set_read_timeout(Some(START)).map_err(said)?;
        write!(
            socket,
            "{method} /v1/{path} HTTP/1.0\r\nX-Vault-Token: {token}\r\n{wrap}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .map_err(said)?;
        let mut reply = String::new();
        socket.read_to_string(&mut reply).map_err(said)?;
        let (head, body) = reply.split_once("\r\n\r\n").ok_or("no reply")?;
        if head.get(9..10) != Some("2") {
            return Err(reply);
        }
        Ok(serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn is_ready(&self) -> bool {
        match self.wire {
            Wire::Plain => self
                .try_to_ask("GET", "sys/health", ROOT, "", &Value::Null)
                .is_ok(),
            Wire::Tls => self.has_roots() && self.run(&["status"]),
        }
    }

    fn has_roots(&self) -> bool {
        let files = std::fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten();
        let is_root = |path: &Path| path.to_string_lossy().ends_with("-ca.pem");
        files.map(|file| file.path()).any(|path| is_root(&path))
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
