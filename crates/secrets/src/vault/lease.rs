//! Values of a path, and the lease that they may come with.

use std::time::{Duration, Instant};

use super::{Vault, VaultError, is_path};
use crate::http::Reply;
use crate::json::{self, Members};
use crate::secret::{Secret, Token, Value};

/// A lease. Its id is no secret: without a token it is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) lasts: Duration,
    pub(crate) renewal: Renewal,
}

/// Whether a lease or a token can be given more time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    Allowed,
    Refused,
}

impl Renewal {
    /// What an object says of itself; it has to say that it can.
    pub(crate) fn said_in(members: &Members<'_>) -> Self {
        if members.holds("renewable") {
            Self::Allowed
        } else {
            Self::Refused
        }
    }
}

/// What a path gave.
#[derive(Debug)]
pub(crate) struct Credentials {
    reply: Reply,
    pub(crate) lease: Option<Lease>,
}

/// The most bytes of a lease's id, which the journal must hold whole.
const MAX_ID: usize = 400;

impl Credentials {
    fn members(&self) -> Members<'_> {
        let data = Members::read(self.reply.body())
            .unwrap_or_default()
            .inside("data");
        // The second version of key-value engines has the values one level deeper.
        if data.get("metadata").is_some() && data.get("data").is_some() {
            return data.inside("data");
        }
        data
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Result<Secret<Value>, String> {
        let members = self.members();
        match members.get(name) {
            Some(value) => json::secret(value).map_err(|error| format!("{name}: {error}")),
            None => {
                let known: Vec<&str> = members.names().collect();
                Err(format!(
                    "it has no field {name}; it has {}",
                    known.join(", ")
                ))
            }
        }
    }

    /// The value of the only field.
    pub(crate) fn only(&self) -> Result<Secret<Value>, String> {
        let members = self.members();
        let names: Vec<&str> = members.names().collect();
        match names.as_slice() {
            [one] => self.field(one),
            several => Err(format!(
                "it has the fields {}: choose one with field, or write a template",
                several.join(", ")
            )),
        }
    }
}

impl Vault {
    /// Reads a path; for a dynamic engine that makes new credentials.
    pub(crate) fn read(
        &self,
        path: &str,
        token: &Secret<Token>,
        until: Instant,
    ) -> Result<Credentials, VaultError> {
        if !is_path(path) {
            return Err(VaultError::Settings(format!("{path:?} is no path")));
        }
        let reply = self.ask("GET", path, Some(token), &[], until)?;
        let members =
            Members::read(reply.body()).ok_or_else(|| self.odd(path, "object with its data"))?;
        let lease = match members.text("lease_id") {
            Some(id) if !id.is_empty() => Some(Lease {
                lasts: Duration::from_secs(members.number("lease_duration").unwrap_or(0)),
                renewal: Renewal::said_in(&members),
                id: checked(id).ok_or_else(|| self.odd(path, "lease id that can be kept"))?,
            }),
            Some(_) | None => None,
        };
        Ok(Credentials { reply, lease })
    }

    /// Renews a lease; how long it lasts from now.
    pub(crate) fn renew(
        &self,
        lease: &Lease,
        token: &Secret<Token>,
        until: Instant,
    ) -> Result<Duration, VaultError> {
        const PATH: &str = "sys/leases/renew";
        let body = format!("{{\"lease_id\":\"{}\"}}", lease.id);
        let reply = self.ask("PUT", PATH, Some(token), &[body.as_bytes()], until)?;
        let members = Members::read(reply.body()).unwrap_or_default();
        let seconds = members.number("lease_duration").unwrap_or(0);
        Ok(Duration::from_secs(seconds))
    }

    /// Ends a lease, and returns once the credentials are worth nothing.
    pub(crate) fn revoke(
        &self,
        id: &str,
        token: &Secret<Token>,
        until: Instant,
    ) -> Result<(), VaultError> {
        let Some(id) = checked(id.to_owned()) else {
            return Err(VaultError::Settings(format!("{id:?} is no lease")));
        };
        let body = format!("{{\"lease_id\":\"{id}\",\"sync\":true}}");
        self.ask(
            "PUT",
            "sys/leases/revoke",
            Some(token),
            &[body.as_bytes()],
            until,
        )
        .map(drop)
    }
}

/// An id that can stand in JSON and in a path as it is.
fn checked(id: String) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    (id.len() <= MAX_ID && id.bytes().all(plain)).then_some(id)
}
