//! A host with its command, whatever the door between them.

use std::time::{Duration, Instant};

use super::LoadError;
use super::http::Client;
use super::latency::Latencies;
use super::stdio::Host;
use crate::plan::{Door, Payload, Route};

pub(super) enum Connection {
    Stdio(Box<Host>),
    Http(Client),
}

impl Connection {
    pub(super) fn open(route: &Route) -> Result<Connection, LoadError> {
        match route.door {
            Door::Stdio => Host::connect(route).map(|host| Connection::Stdio(Box::new(host))),
            Door::Http { port } => Client::connect(route, port).map(Connection::Http),
        }
    }

    pub(super) fn pid(&self) -> i32 {
        match self {
            Connection::Stdio(host) => host.process.pid(),
            Connection::Http(client) => client.process.pid(),
        }
    }

    pub(super) fn call(
        &mut self,
        in_flight: usize,
        payload: Payload,
        until: Instant,
        most: usize,
    ) -> Result<Latencies, LoadError> {
        match self {
            Connection::Stdio(host) => host.call(in_flight, payload, until, most),
            Connection::Http(client) => client.call(in_flight, payload, until, most),
        }
    }

    /// Ends the command in the way that its door has, and tells how long that took.
    pub(super) fn close(self) -> Result<Duration, LoadError> {
        match self {
            Connection::Stdio(host) => host.end(),
            Connection::Http(client) => client.close(),
        }
    }
}
