//! The same exchange over TLS. Records are sealed from, and opened in, hidden memory.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use dropgate_process::hidden::Hidden;
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::reply::Reply;
use super::stream::Stream;

/// Room for records: what is read of a handshake with long chains, and what is written.
const INCOMING: usize = 128 << 10;
const OUTGOING: usize = 96 << 10;
/// How much of a request is sealed at once, so that it fits there with the records around it.
const SEALED_AT_ONCE: usize = 64 << 10;

pub(super) fn configuration(roots: Option<&[u8]>) -> Result<Arc<ClientConfig>, String> {
    let said = |error: rustls::Error| error.to_string();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(said)?;
    let config = match roots {
        None => builder
            .with_platform_verifier()
            .map_err(said)?
            .with_no_client_auth(),
        Some(pem) => {
            let mut store = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                store.add(certificate).map_err(said)?;
            }
            if store.is_empty() {
                return Err("there is no certificate in it".to_owned());
            }
            builder.with_root_certificates(store).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

pub(super) fn exchange(
    stream: Stream<'_>,
    config: &Arc<ClientConfig>,
    host: &str,
    request: &[&[u8]],
    reply: &mut [u8],
    until: Instant,
) -> io::Result<usize> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connection =
        UnbufferedClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    let exchange = Exchange {
        stream,
        connection,
        incoming: Hidden::new(INCOMING)?,
        received: 0,
        outgoing: Hidden::new(OUTGOING)?,
        to_send: 0,
    };
    exchange.run(request, reply, until)
}

struct Exchange<'a> {
    stream: Stream<'a>,
    connection: UnbufferedClientConnection,
    incoming: Hidden,
    received: usize,
    outgoing: Hidden,
    to_send: usize,
}

/// What the connection waits for.
enum Needs {
    Nothing,
    ToSend,
    ToReceive,
    /// The other side is done.
    End,
}

impl Exchange<'_> {
    fn run(mut self, request: &[&[u8]], reply: &mut [u8], until: Instant) -> io::Result<usize> {
        let mut request = request.iter().flat_map(|part| part.chunks(SEALED_AT_ONCE));
        let mut length = 0;
        loop {
            match self.step(&mut request, reply, &mut length)? {
                Needs::Nothing => {}
                Needs::ToSend => {
                    let bytes = self.outgoing.as_slice().get(..self.to_send);
                    self.stream.send(bytes.unwrap_or_default(), until)?;
                    self.to_send = 0;
                }
                Needs::ToReceive => {
                    let free = self.incoming.as_mut_slice().get_mut(self.received..);
                    match self.stream.receive(free.unwrap_or_default(), until)? {
                        0 => return Ok(length),
                        read => self.received += read,
                    }
                }
                Needs::End => return Ok(length),
            }
            if Reply::is_whole(reply.get(..length).unwrap_or_default()) {
                return Ok(length);
            }
        }
    }

    fn step<'a>(
        &mut self,
        request: &mut impl Iterator<Item = &'a [u8]>,
        reply: &mut [u8],
        length: &mut usize,
    ) -> io::Result<Needs> {
        let incoming = self.incoming.as_mut_slice().get_mut(..self.received);
        let UnbufferedStatus {
            mut discard, state, ..
        } = self
            .connection
            .process_tls_records(incoming.unwrap_or_default());
        let free = self.outgoing.as_mut_slice().get_mut(self.to_send..);
        let free = free.unwrap_or_default();
        let needs = match state.map_err(io::Error::other)? {
            ConnectionState::ReadTraffic(mut records) => {
                while let Some(record) = records.next_record() {
                    let record = record.map_err(io::Error::other)?;
                    discard += record.discard;
                    let end = *length + record.payload.len();
                    let place = reply.get_mut(*length..end);
                    place
                        .ok_or(io::ErrorKind::FileTooLarge)?
                        .copy_from_slice(record.payload);
                    *length = end;
                }
                Needs::Nothing
            }
            ConnectionState::EncodeTlsData(mut data) => {
                self.to_send += data.encode(free).map_err(io::Error::other)?;
                Needs::Nothing
            }
            ConnectionState::TransmitTlsData(data) => {
                data.done();
                Needs::ToSend
            }
            ConnectionState::WriteTraffic(mut traffic) => match request.next() {
                Some(part) => {
                    self.to_send += traffic.encrypt(part, free).map_err(io::Error::other)?;
                    Needs::ToSend
                }
                None => Needs::ToReceive,
            },
            ConnectionState::BlockedHandshake => Needs::ToReceive,
            ConnectionState::PeerClosed | ConnectionState::Closed => Needs::End,
            // Early data is never asked for, and other states don't exist yet.
            ConnectionState::ReadEarlyData(_) | _ => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        };
        let received = self.received;
        self.incoming
            .as_mut_slice()
            .copy_within(discard..received, 0);
        self.received -= discard;
        Ok(needs)
    }
}
