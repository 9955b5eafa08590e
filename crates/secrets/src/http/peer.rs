//! Somebody who is posted what is no secret.

use std::time::Instant;

use dropgate_process::Departure;

use super::{Address, Body, Failed, Request, Trust, exchange};

/// Where to post to, and whom to believe that it is there.
#[derive(Clone, Debug)]
pub struct Peer {
    address: Address,
    trust: Trust,
}

/// Why an address can't be posted to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PeerError(String);

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostError(#[from] Failed);

/// A reply to what was posted.
#[derive(Debug)]
pub struct Posted {
    /// The status of HTTP.
    pub status: u16,
    /// What it says beside that, as text.
    pub body: String,
}

impl Peer {
    /// `roots` are certificates to believe over https, as PEM; those of the system without them.
    ///
    /// # Errors
    /// The address is none, or the certificates are none.
    pub fn new(address: &str, roots: Option<&[u8]>) -> Result<Self, PeerError> {
        let address = Address::parse(address).map_err(|bad| PeerError(bad.to_string()))?;
        let trust = Trust::of(&address, roots)
            .map_err(|why| PeerError(format!("certificates for {}: {why}", address.host)))?;
        Ok(Self { address, trust })
    }

    /// Posts JSON to `path` below the address, and waits for the reply until the deadline. No
    /// redirect is followed and no proxy is used.
    ///
    /// # Errors
    /// Nobody answered, or not in time, or with what is no HTTP.
    pub fn post(&self, path: &str, json: &[u8], until: Instant) -> Result<Posted, PostError> {
        let request = Request {
            method: "POST",
            path,
            headers: &[],
            body: Body::Plain(json),
        };
        // Whoever leaves meanwhile is heard of elsewhere.
        let nobody = Departure::default();
        let reply = exchange(&self.address, &self.trust, &request, until, &nobody)?;
        Ok(Posted {
            status: reply.status,
            body: String::from_utf8_lossy(reply.body()).into_owned(),
        })
    }
}
