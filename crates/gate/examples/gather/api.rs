//! An HTTP API on this machine that takes a request and never answers it, and its client.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use dropgate_gate::gather::Fault;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What became of the one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The client went away before it had an answer.
    Cancelled,
}

/// The server's address, and what it saw.
pub(crate) struct Api {
    address: SocketAddr,
    server: JoinHandle<io::Result<Fate>>,
}

impl Api {
    /// A server for one request.
    pub(crate) async fn hanging() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            // The connection ends when the client drops it, and not before: nothing is written.
            let mut request = [0; 1024];
            while stream.read(&mut request).await? > 0 {}
            Ok(Fate::Cancelled)
        });
        Ok(Self { address, server })
    }

    /// The metrics of a project: the body of the answer to a GET.
    pub(crate) fn metrics(
        &self,
        project: &'static str,
    ) -> impl Future<Output = Result<String, Fault>> + Send + use<> {
        let address = self.address;
        async move { get(address, project).await.map_err(|_| Fault::Failed) }
    }

    /// What became of the request, once the server knows: within a second.
    pub(crate) async fn fate(&mut self) -> Result<Fate, Box<dyn Error>> {
        Ok(timeout(Duration::from_secs(1), &mut self.server).await???)
    }
}

async fn get(address: SocketAddr, project: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /metrics/{project} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(stream.take(64 * 1024));
    let mut line = String::new();
    lines.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 200 ") {
        return Err(io::ErrorKind::InvalidData.into());
    }
    while line != "\r\n" {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut body = String::new();
    lines.read_to_string(&mut body).await?;
    Ok(body)
}
