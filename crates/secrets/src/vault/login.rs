//! Getting a token, keeping it alive and giving it back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use dropgate_process::environment::Withdrawn;

use super::lease::Renewal;
use super::{Vault, VaultError, is_path};
use crate::http::Reply;
use crate::json::{self, Members};
use crate::secret::{Secret, Token};
use crate::source::{self, SourceError};

/// How a run shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// A token in a variable of dropgate's environment.
    TokenVariable(String),
    /// A token in a file.
    TokenFile(PathBuf),
    /// A token in a file that wraps the one to use, and is worth nothing afterwards.
    WrappedTokenFile(PathBuf),
    /// AppRole: an id, and a secret id in a file.
    AppRole {
        /// Where the method is mounted.
        mount: String,
        /// The role's id.
        role_id: String,
        /// Holds the secret id.
        secret_id_file: PathBuf,
    },
    /// A signed token of a platform, for the methods `jwt` and `kubernetes`.
    Jwt {
        /// Where the method is mounted.
        mount: String,
        /// The role to take.
        role: String,
        /// Holds the signed token.
        token_file: PathBuf,
    },
}

/// A token in use.
#[derive(Debug)]
pub struct Session {
    pub(crate) token: Secret<Token>,
    pub(crate) belongs: Belongs,
    pub(crate) lasts: Duration,
    pub(crate) renewal: Renewal,
}

/// To whom a token belongs, and so who may end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// It was made for this run, and ends with it.
    ToThisRun,
    /// It is the user's, for other uses too.
    ToTheUser,
}

/// A run's own token lasts so long without being renewed: what remains usable if nothing else works.
const OWN_TOKEN: &str = "5m";

impl Vault {
    /// Logs in. With a user's own token, one for this run alone is made from it where that is
    /// allowed; it can be revoked without ending the user's.
    ///
    /// # Errors
    /// The token can't be read or is not accepted, or nobody answers.
    pub fn log_in(
        &self,
        login: &Login,
        variables: &Withdrawn,
        until: Instant,
    ) -> Result<Session, VaultError> {
        match login {
            Login::TokenVariable(name) => {
                let value = variables
                    .value(name.as_bytes())
                    .ok_or_else(|| SourceError::NoVariable(name.clone()))?;
                self.own_token(Secret::of_parts(&[value])?, until)
            }
            Login::TokenFile(path) => self.own_token(source::file(path)?, until),
            Login::WrappedTokenFile(path) => {
                let wrapping: Secret<Token> = source::file(path)?;
                self.session("sys/wrapping/unwrap", Some(&wrapping), &[b"{}"], until)
            }
            Login::AppRole {
                mount,
                role_id,
                secret_id_file,
            } => {
                let secret_id: Secret<Token> = source::file(secret_id_file)?;
                let shown = (b"\",\"secret_id\":\"", &secret_id);
                self.log_in_at(mount, ("role_id", role_id), shown, until)
            }
            Login::Jwt {
                mount,
                role,
                token_file,
            } => {
                let signed: Secret<Token> = source::file(token_file)?;
                let shown = (b"\",\"jwt\":\"", &signed);
                self.log_in_at(mount, ("role", role), shown, until)
            }
        }
    }

    /// Renews the token; how long it lasts from now.
    pub(crate) fn renew_self(
        &self,
        token: &Secret<Token>,
        until: Instant,
    ) -> Result<Duration, VaultError> {
        let reply = self.ask("PUT", "auth/token/renew-self", Some(token), &[b"{}"], until)?;
        let auth = Members::read(reply.body())
            .unwrap_or_default()
            .inside("auth");
        Ok(Duration::from_secs(
            auth.number("lease_duration").unwrap_or(0),
        ))
    }

    /// Ends the token, and with it whatever leases are left.
    pub(crate) fn revoke_self(
        &self,
        token: &Secret<Token>,
        until: Instant,
    ) -> Result<(), VaultError> {
        self.ask(
            "PUT",
            "auth/token/revoke-self",
            Some(token),
            &[b"{}"],
            until,
        )
        .map(drop)
    }

    fn log_in_at<const N: usize>(
        &self,
        mount: &str,
        (name, value): (&str, &str),
        (key, secret): (&[u8; N], &Secret<Token>),
        until: Instant,
    ) -> Result<Session, VaultError> {
        let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\".contains(byte);
        if !is_path(mount) || !value.bytes().all(|byte| plain(&byte)) {
            let text = format!("{mount:?} is no mount, or {value:?} no {name}");
            return Err(VaultError::Settings(text));
        }
        if !secret.bytes().iter().all(plain) {
            let text = format!("what is shown for {name} {value} has characters that no login has");
            return Err(VaultError::Settings(text));
        }
        let begin = format!("{{\"{name}\":\"{value}");
        let body: [&[u8]; 4] = [begin.as_bytes(), key, secret.bytes(), b"\"}"];
        self.session(&format!("auth/{mount}/login"), None, &body, until)
    }

    /// A token for this run, made from the user's; the user's own where that is not allowed.
    fn own_token(&self, users: Secret<Token>, until: Instant) -> Result<Session, VaultError> {
        let body = format!(
            "{{\"ttl\":\"{OWN_TOKEN}\",\"renewable\":true,\"type\":\"service\",\
             \"display_name\":\"dropgate\"}}"
        );
        match self.session("auth/token/create", Some(&users), &[body.as_bytes()], until) {
            Ok(session) => Ok(session),
            Err(VaultError::Refused {
                status: 403 | 400, ..
            }) => self.look_up(users, until),
            Err(error) => Err(error),
        }
    }

    fn look_up(&self, users: Secret<Token>, until: Instant) -> Result<Session, VaultError> {
        let reply = self.ask("GET", "auth/token/lookup-self", Some(&users), &[], until)?;
        let data = Members::read(reply.body())
            .unwrap_or_default()
            .inside("data");
        Ok(Session {
            lasts: Duration::from_secs(data.number("ttl").unwrap_or(0)),
            renewal: Renewal::said_in(&data),
            belongs: Belongs::ToTheUser,
            token: users,
        })
    }

    fn session(
        &self,
        path: &str,
        token: Option<&Secret<Token>>,
        body: &[&[u8]],
        until: Instant,
    ) -> Result<Session, VaultError> {
        let reply = self.ask("POST", path, token, body, until)?;
        granted(&reply).ok_or_else(|| self.odd(path, "token"))?
    }
}

fn granted(reply: &Reply) -> Option<Result<Session, VaultError>> {
    let all = Members::read(reply.body())?;
    let auth = all.inside("auth");
    // A wrapped token may also have been put away as a plain value.
    let token = match auth.get("client_token") {
        Some(token) => token,
        None => all.inside("data").get("token")?,
    };
    Some(match json::secret(token) {
        Ok(token) => Ok(Session {
            token,
            belongs: Belongs::ToThisRun,
            lasts: Duration::from_secs(auth.number("lease_duration").unwrap_or(0)),
            renewal: Renewal::said_in(&auth),
        }),
        Err(error) => Err(error.into()),
    })
}
