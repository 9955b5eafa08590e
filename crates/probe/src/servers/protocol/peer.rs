//! The way back to the client: whole lines, from any thread.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::servers::tools::Reply;

/// Writes to the client. Clones share the stream, and a line is never torn by another.
#[derive(Clone)]
pub struct Peer {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Peer {
    /// The client at the other end of standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// The client at the other end of `out`.
    #[must_use]
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Arc::new(Mutex::new(Box::new(out))),
        }
    }

    /// Writes these bytes and nothing else.
    ///
    /// # Errors
    /// The stream can't be written.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(bytes)?;
        out.flush()
    }

    /// Answers the request whose id reads `id` with a result.
    ///
    /// # Errors
    /// The stream can't be written.
    pub fn result(&self, id: &str, result: &Value) -> io::Result<()> {
        self.result_text(id, &result.to_string())
    }

    /// Answers with a result that is JSON text already.
    ///
    /// # Errors
    /// The stream can't be written.
    pub fn result_text(&self, id: &str, result: &str) -> io::Result<()> {
        self.raw(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n").as_bytes())
    }

    /// Answers with an error.
    ///
    /// # Errors
    /// The stream can't be written.
    pub fn error(&self, id: &str, code: i32, message: &str) -> io::Result<()> {
        let error = json!({ "code": code, "message": message });
        self.raw(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}\n").as_bytes())
    }

    /// Answers a tool call.
    ///
    /// # Errors
    /// The stream can't be written.
    pub fn reply(&self, id: &str, reply: &Reply) -> io::Result<()> {
        match reply {
            Reply::Text(text) => self.result(id, &json!({ "content": content(text) })),
            Reply::ToolError(text) => {
                self.result(id, &json!({ "content": content(text), "isError": true }))
            }
            Reply::RpcError { code, message } => self.error(id, *code, message),
        }
    }
}

fn content(text: &str) -> Value {
    json!([{ "type": "text", "text": text }])
}
