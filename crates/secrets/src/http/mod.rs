//! One HTTP/1.1 exchange with a Vault. Request and reply stand in hidden memory from end to end.

mod address;
mod reply;
mod stream;
mod tls;

use std::io;
use std::time::Instant;

use dropgate_process::hidden::Hidden;

pub(crate) use address::Address;
pub(crate) use reply::Reply;
use stream::Stream;
pub(crate) use stream::Trust;

/// The longest reply that is read, with its headers.
pub(crate) const MAX_REPLY: usize = 256 << 10;

/// What is asked. Nothing of it may hold a line end but the body.
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    /// Below the address, without the first slash.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'static str, &'a [u8])],
    /// Pieces of JSON, sent one after the other.
    pub(crate) body: &'a [&'a [u8]],
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// Nobody answered, or not in time; it is not known whether the request was heard.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
    #[error("its reply is no HTTP, or over {MAX_REPLY} bytes")]
    Malformed,
}

/// Asks, and reads one reply until the deadline. No redirect is followed and no proxy is used.
pub(crate) fn exchange(
    to: &Address,
    trust: &Trust,
    request: &Request<'_>,
    until: Instant,
) -> Result<Reply, Failed> {
    let memory = |bytes| Hidden::new(bytes);
    let length: usize = request.body.iter().map(|piece| piece.len()).sum();
    let mut head = format!(
        "{} {}/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nX-Vault-Request: true\r\n",
        request.method,
        to.prefix(),
        request.path,
        to.host_header(),
    );
    head.retain(|letter| letter != '\0');
    let mut pieces = vec![head.as_bytes()];
    for (name, value) in request.headers {
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            let text = format!("the value for {name} holds a line end");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text).into());
        }
        pieces.extend([name.as_bytes(), b": ", value, b"\r\n"]);
    }
    pieces.push(b"\r\n");
    pieces.extend(request.body);
    let total = pieces.iter().map(|piece| piece.len()).sum();
    let mut sent = memory(total)?;
    let mut rest = sent.as_mut_slice();
    for piece in pieces {
        let (place, after) = rest.split_at_mut(piece.len());
        place.copy_from_slice(piece);
        rest = after;
    }
    let mut received = memory(MAX_REPLY)?;
    let stream = Stream::connect(to, until)?;
    let length = stream.exchange(trust, sent.as_slice(), received.as_mut_slice(), until)?;
    Reply::parse(received, length).ok_or(Failed::Malformed)
}
