//! One HTTP/1.1 exchange with a Vault. Request and reply stand in hidden memory from end to end.
//! What a [`Peer`] is posted is no secret, and only the head and the reply stand there.

mod address;
mod peer;
mod reply;
mod stream;
mod tls;

use std::io;
use std::time::Instant;

use dropgate_process::Departure;
use dropgate_process::hidden::Hidden;

pub(crate) use address::Address;
pub use peer::{Peer, PeerError, PostError, Posted};
pub(crate) use reply::Reply;
use stream::Stream;
pub(crate) use stream::Trust;

/// The longest reply that is read, with its headers.
pub(crate) const MAX_REPLY: usize = 80 << 10;

/// What is asked. Nothing of it may hold a line end but the body.
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    /// Below the address, without the first slash.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'static str, &'a [u8])],
    pub(crate) body: Body<'a>,
}

/// Pieces of JSON, sent one after the other.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    /// Copied to hidden memory with the head.
    Secret(&'a [&'a [u8]]),
    /// Sent from where it stands.
    Plain(&'a [u8]),
}

impl Body<'_> {
    fn length(self) -> usize {
        match self {
            Self::Secret(pieces) => pieces.iter().map(|piece| piece.len()).sum(),
            Self::Plain(text) => text.len(),
        }
    }
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

/// Asks, and reads one reply until the deadline or a departure. No redirect is followed and no proxy is used.
pub(crate) fn exchange(
    to: &Address,
    trust: &Trust,
    request: &Request<'_>,
    until: Instant,
    departure: &Departure,
) -> Result<Reply, Failed> {
    let memory = |bytes| match request.body {
        Body::Secret(_) => Hidden::new(bytes),
        Body::Plain(_) => Hidden::new_or_unlocked(bytes),
    };
    let length = request.body.length();
    let mut head = format!(
        "{} {}/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n",
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
    let plain: &[u8] = match request.body {
        Body::Secret(secret) => {
            pieces.extend(secret);
            &[]
        }
        Body::Plain(text) => text,
    };
    let total = pieces.iter().map(|piece| piece.len()).sum();
    let mut sent = memory(total)?;
    let mut rest = sent.as_mut_slice();
    for piece in pieces {
        let (place, after) = rest.split_at_mut(piece.len());
        place.copy_from_slice(piece);
        rest = after;
    }
    let mut received = memory(MAX_REPLY)?;
    let stream = Stream::connect(to, until, departure)?;
    let parts = [sent.as_slice().get(..total).unwrap_or_default(), plain];
    let length = stream.exchange(trust, &parts, received.as_mut_slice(), until)?;
    Reply::parse(received, length).ok_or(Failed::Malformed)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Asks a peer that reads the request and then does this.
    fn asked(
        header: &[u8],
        within: Duration,
        peer: impl FnOnce(&mut std::net::TcpStream) + Send + 'static,
    ) -> Result<Reply, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/prefix", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _request = socket.read(&mut request).unwrap();
            peer(&mut socket);
        });
        let address = Address::parse(&address).unwrap();
        let trust = Trust::of(&address, None).unwrap();
        let request = Request {
            method: "PUT",
            path: "v1/x",
            headers: &[("X-Vault-Token", header)],
            body: Body::Secret(&[b"{", b"}"]),
        };
        exchange(
            &address,
            &trust,
            &request,
            Instant::now() + within,
            &Departure::default(),
        )
    }

    #[test]
    fn a_reply_of_the_longest_length_is_read_and_no_longer_one() {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        let most = MAX_REPLY - head.len();
        let reply = asked(b"t", SOON, move |socket| {
            socket.write_all(head).unwrap();
            socket.write_all(&vec![b'x'; most]).unwrap();
        });
        assert_eq!(reply.unwrap().body().len(), most);
        let reply = asked(b"t", SOON, move |socket| {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", most);
            socket.write_all(text.as_bytes()).unwrap();
            // The reader may be gone before it has all.
            let _reader_gone = socket.write_all(&vec![b'x'; most]);
        });
        assert!(matches!(reply, Err(Failed::Malformed)), "{reply:?}");
    }

    #[test]
    fn a_peer_that_says_nothing_or_little_costs_no_more_than_the_time() {
        for said in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
            let began = Instant::now();
            let (end, ended) = std::sync::mpsc::channel::<()>();
            let reply = asked(b"t", Duration::from_millis(200), move |socket| {
                socket.write_all(said).unwrap();
                let _over = ended.recv();
            });
            drop(end);
            assert!(matches!(reply, Err(Failed::Unreachable(_))), "{reply:?}");
            assert!(began.elapsed() < SOON);
        }
    }

    #[test]
    fn a_header_can_not_end_its_line() {
        let reply = asked(b"t\r\nX-Other: y", Duration::from_secs(1), |_| {});
        assert!(matches!(reply, Err(Failed::Unreachable(_))), "{reply:?}");
    }
}
