//! Decision points on real sockets, most of them bad ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What a decision point does with each connection.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with these bytes and closes.
    Say(Vec<u8>),
    /// Answers with these bytes and never closes.
    SayAndHold(Vec<u8>),
    /// Answers with one byte each time, slowly enough to miss the timeout.
    Drip(Vec<u8>),
    /// Answers with these bytes, then the same chunk again and again.
    Flood(Vec<u8>, Vec<u8>),
    /// Reads the question, answers with these bytes and resets the connection.
    Reset(Vec<u8>),
    /// Answers with these bytes once it has a permit.
    Wait(Arc<Semaphore>, Vec<u8>),
    /// Answers with these bytes inside TLS.
    Secure(Arc<tokio_rustls::rustls::ServerConfig>, Vec<u8>),
}

/// A decision point that listens.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    bodies: Arc<std::sync::Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let bodies = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (count, last) = (Arc::clone(&asked), Arc::clone(&bodies));
        let task = tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let served = serve(
                    stream,
                    manner.clone(),
                    Arc::clone(&count),
                    Arc::clone(&last),
                );
                tokio::spawn(served);
            }
        });
        Self {
            address,
            asked,
            bodies,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/access/v1/evaluation", self.address)
    }

    /// How many questions were read to their end.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The last question, head and body.
    pub(crate) fn last(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole reply with this body.
pub(crate) fn reply(status: u16, body: &[u8]) -> Vec<u8> {
    let mut all = format!(
        "HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    all.extend_from_slice(body);
    all
}

async fn serve(
    stream: TcpStream,
    manner: Manner,
    asked: Arc<AtomicUsize>,
    bodies: Arc<std::sync::Mutex<Vec<u8>>>,
) {
    // Whoever asks may go away at any time, so nothing that fails here is of interest.
    let _gone = match manner {
        Manner::Secure(config, bytes) => {
            let acceptor = tokio_rustls::TlsAcceptor::from(config);
            match acceptor.accept(stream).await {
                Ok(mut stream) => {
                    read(&mut stream, &asked, &bodies).await;
                    let _gone = stream.write_all(&bytes).await;
                    stream.shutdown().await
                }
                Err(error) => Err(error),
            }
        }
        Manner::Say(_)
        | Manner::SayAndHold(_)
        | Manner::Drip(_)
        | Manner::Flood(..)
        | Manner::Reset(_)
        | Manner::Wait(..) => plainly(stream, manner, &asked, &bodies).await,
    };
}

async fn plainly(
    mut stream: TcpStream,
    manner: Manner,
    asked: &AtomicUsize,
    bodies: &std::sync::Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    read(&mut stream, asked, bodies).await;
    match manner {
        Manner::Say(bytes) => stream.write_all(&bytes).await,
        Manner::SayAndHold(bytes) => {
            stream.write_all(&bytes).await?;
            until_gone(&mut stream).await
        }
        Manner::Drip(bytes) => {
            let mut pace = tokio::time::interval(Duration::from_millis(20));
            for byte in bytes {
                pace.tick().await;
                stream.write_all(&[byte]).await?;
            }
            until_gone(&mut stream).await
        }
        Manner::Flood(first, chunk) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        Manner::Reset(bytes) => {
            stream.write_all(&bytes).await?;
            stream.set_zero_linger()
        }
        Manner::Wait(gate, bytes) => {
            let _permit = gate.acquire().await.unwrap();
            stream.write_all(&bytes).await
        }
        Manner::Secure(..) => Ok(()),
    }
}

/// Reads one request to the end of its body.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    asked: &AtomicUsize,
    bodies: &std::sync::Mutex<Vec<u8>>,
) {
    let mut all = Vec::new();
    let mut whole = None;
    while whole.is_none_or(|length| all.len() < length) {
        let before = all.len();
        all.resize(before + 64 * 1024, 0);
        match stream.read(&mut all[before..]).await {
            Ok(0) | Err(_) => return,
            Ok(length) => all.truncate(before + length),
        }
        whole = whole.or_else(|| length_of(&all));
    }
    *bodies.lock().unwrap() = all;
    asked.fetch_add(1, Ordering::SeqCst);
}

/// The length of the whole request, once its head is there.
fn length_of(request: &[u8]) -> Option<usize> {
    let head = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1);
    let length: usize = length?.lines().next()?.parse().unwrap();
    Some(head + 4 + length)
}

async fn until_gone(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut piece = [0; 64];
    while stream.read(&mut piece).await? > 0 {}
    Ok(())
}
