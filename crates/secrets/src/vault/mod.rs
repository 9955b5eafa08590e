//! A HashiCorp Vault or an OpenBao, asked over HTTP.

mod lease;
mod login;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dropgate_process::Departure;
use serde_json::value::RawValue;

use crate::http::{self, Address, Body, Failed, Reply, Request, Trust};
use crate::json::Members;
use crate::secret::{Secret, Token};

pub(crate) use lease::{Credentials, Lease, Renewal};
pub(crate) use login::Belongs;
pub use login::{Login, Session};

/// How to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultSettings {
    /// `http://` or `https://`, host and port.
    pub address: String,
    /// A namespace, where there are any.
    pub namespace: Option<String>,
    /// Certificates in PEM that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// How long one request may take.
    pub timeout: Duration,
}

/// One that can be asked.
#[derive(Clone, Debug)]
pub struct Vault {
    settings: VaultSettings,
    address: Address,
    trust: Trust,
    departure: Arc<Departure>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The settings make no sense.
    #[error("{0}")]
    Settings(String),
    /// Nobody answered.
    #[error("can not reach {address}: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        why: String,
    },
    /// It answered that it won't.
    #[error("{address} answered {status} to {path}: {why}")]
    Refused {
        /// Where.
        address: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        path: String,
        /// Its first words about it.
        why: String,
    },
    /// The answer misses something.
    #[error("the answer of {address} to {path} has no {what}")]
    Odd {
        /// Where.
        address: String,
        /// What was asked for.
        path: String,
        /// What should have been in it.
        what: String,
    },
    /// A value could not be held.
    #[error(transparent)]
    Secret(#[from] crate::secret::SecretError),
    /// A file of the login could not be read.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
}

/// The most bytes of a file of certificates.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// Reads a file of certificates; one that is longer than any such file is none.
fn certificates(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_CERTIFICATES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_CERTIFICATES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok(bytes)
}

/// The most bytes of a complaint that are passed on.
const MAX_COMPLAINT: usize = 300;

impl Vault {
    /// Checks the settings; nothing is sent.
    ///
    /// # Errors
    /// The address is none, or the certificates can't be read.
    pub fn new(settings: VaultSettings) -> Result<Self, VaultError> {
        let address = Address::parse(&settings.address)
            .map_err(|error| VaultError::Settings(error.to_string()))?;
        let roots =
            match &settings.ca_file {
                None => None,
                Some(path) => Some(certificates(path).map_err(|error| {
                    VaultError::Settings(format!("{}: {error}", path.display()))
                })?),
            };
        let trust = Trust::of(&address, roots.as_deref()).map_err(|why| {
            VaultError::Settings(format!("certificates for {}: {why}", settings.address))
        })?;
        Ok(Self {
            settings,
            address,
            trust,
            departure: Arc::default(),
        })
    }

    /// The same one, asked no longer than anybody is there who would use the answer.
    #[must_use]
    pub(crate) fn until(&self, departure: &Arc<Departure>) -> Self {
        Self {
            departure: Arc::clone(departure),
            ..self.clone()
        }
    }

    /// How it is reached.
    #[must_use]
    pub fn settings(&self) -> &VaultSettings {
        &self.settings
    }

    /// Asks; an answer that is no success is an error.
    pub(crate) fn ask(
        &self,
        method: &'static str,
        path: &str,
        token: Option<&Secret<Token>>,
        body: &[&[u8]],
        until: Instant,
    ) -> Result<Reply, VaultError> {
        let until = until.min(Instant::now() + self.settings.timeout);
        let mut headers: Vec<(&'static str, &[u8])> = vec![("X-Vault-Request", b"true")];
        if let Some(token) = token {
            headers.push(("X-Vault-Token", token.bytes()));
        }
        if let Some(namespace) = &self.settings.namespace {
            headers.push(("X-Vault-Namespace", namespace.as_bytes()));
        }
        let whole = format!("v1/{path}");
        let request = Request {
            method,
            path: &whole,
            headers: &headers,
            body: Body::Secret(body),
        };
        let reply = http::exchange(&self.address, &self.trust, &request, until, &self.departure)
            .map_err(|failed| self.unreachable(&failed))?;
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        Err(VaultError::Refused {
            address: self.settings.address.clone(),
            status: reply.status,
            path: path.to_owned(),
            why: complaint(reply.body()),
        })
    }

    pub(crate) fn odd(&self, path: &str, what: &str) -> VaultError {
        VaultError::Odd {
            address: self.settings.address.clone(),
            path: path.to_owned(),
            what: what.to_owned(),
        }
    }

    fn unreachable(&self, failed: &Failed) -> VaultError {
        VaultError::Unreachable {
            address: self.settings.address.clone(),
            why: failed.to_string(),
        }
    }
}

/// Whether a text can be the address of a Vault.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn check_address(text: &str) -> Result<(), String> {
    Address::parse(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Whether a text can be a path below an address: it holds nothing that would end one.
#[must_use]
pub fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#%\\\"".contains(&byte))
}

/// The first of the errors that a Vault lists. Its own texts hold no values of secrets.
fn complaint(body: &[u8]) -> String {
    let members = Members::read(body).unwrap_or_default();
    let errors: Vec<String> = members
        .get("errors")
        .map(RawValue::get)
        .and_then(|list| serde_json::from_str(list).ok())
        .unwrap_or_default();
    let first = errors.into_iter().find(|text| !text.trim().is_empty());
    let text = first.unwrap_or_else(|| "no reason".to_owned());
    let one_line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(MAX_COMPLAINT)
        .collect();
    one_line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_certificates_has_a_limit() {
        let name = format!("dropgate-certificates-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let limit = usize::try_from(MAX_CERTIFICATES).expect("a length");
        for (length, fits) in [(limit, true), (limit + 1, false)] {
            std::fs::write(&path, vec![b'\n'; length]).expect("writable");
            assert_eq!(certificates(&path).is_ok(), fits, "{length}");
        }
        std::fs::remove_file(&path).expect("removed");
        assert!(certificates(&path).is_err());
    }
}
