//! What the server is given in secret: from the file's tables to values.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dropgate_process::Departure;
use dropgate_process::environment::{Choice, Withdrawn, withdraw};
use dropgate_secrets::{
    Into, Login, OnLost, Secrets, Source, StartError, Template, Vault, VaultSettings, Wanted,
};

use crate::bounded::{self, NotRead, Pipes};
use crate::config::secrets::{IntoWritten, OnLostWritten, SecretWritten, VaultWritten};
use crate::config::written::Config;

/// How long one request to a Vault may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The largest file of certificates that is read, bytes.
const MAX_CERTIFICATES: u64 = 1 << 20;
/// Where Kubernetes puts the token of a service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// Variables that Vault's and OpenBao's own programs read credentials from.
const OF_VAULTS: &[&str] = &[
    "VAULT_TOKEN",
    "BAO_TOKEN",
    "VAULT_SECRET_ID",
    "BAO_SECRET_ID",
];
/// Parts of names that say of a variable that it is secret.
const TELLING: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "CREDENTIAL",
];

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    #[error("can not take secrets out of the environment: {0}")]
    Environment(std::io::Error),
    #[error("vault.ca_file: can not read {path}: {why}")]
    Certificates { path: PathBuf, why: NotRead },
    #[error("[vault]: {0}")]
    Vault(#[from] dropgate_secrets::VaultError),
    #[error("the server was not started: {0}")]
    Start(#[from] StartError),
}

/// Takes out of this process's environment what looks secret, and what the file names.
pub(crate) fn hide(config: &Config) -> Result<Withdrawn, SecretsError> {
    let named = kept_back(config);
    let chosen = |name: &[u8]| {
        let upper = String::from_utf8_lossy(name).to_ascii_uppercase();
        let tells = TELLING.iter().any(|part| upper.contains(part));
        if tells || named.iter().any(|one| one.as_bytes() == name) {
            Choice::Withdraw
        } else {
            Choice::Keep
        }
    };
    withdraw(chosen).map_err(SecretsError::Environment)
}

/// What a file asks for, before any of it is got.
#[derive(Default)]
pub(crate) struct Asked {
    wanted: Vec<Wanted>,
    vault: Option<(Vault, Login)>,
    kept_back: Vec<String>,
}

impl Asked {
    /// Files are relative to `folder`.
    ///
    /// # Errors
    /// A template that is none, or a Vault that can't be one; also where no secret needs it.
    pub(crate) fn of(config: &Config, folder: &Path, pipes: Pipes) -> Result<Self, SecretsError> {
        let wanted = config.secrets.iter();
        let vault = config.vault.as_ref();
        if let (Pipes::Refused, Some(file)) = (pipes, vault.and_then(|it| it.ca_file.as_ref())) {
            // It is read again below, where a pipe would be waited for.
            let path = folder.join(file);
            bounded::read_with(pipes, &path, MAX_CERTIFICATES)
                .map_err(|why| SecretsError::Certificates { path, why })?;
        }
        Ok(Self {
            wanted: wanted
                .map(|(name, written)| wanted_of(name, written, folder))
                .collect::<Result<_, _>>()?,
            vault: vault.map(|written| vault_of(written, folder)).transpose()?,
            kept_back: kept_back(config),
        })
    }

    /// Gets every secret.
    ///
    /// # Errors
    /// Which one can't be had, and why; or that nobody waits for the server any more.
    pub(crate) fn begin(
        self,
        hidden: Withdrawn,
        departure: &Arc<Departure>,
    ) -> Result<Secrets, SecretsError> {
        dropgate_secrets::sweep_folders();
        let needs_vault = |one: &Wanted| matches!(one.source, Source::Kv(_) | Source::Lease(_));
        let is_needed = self.wanted.iter().any(needs_vault);
        let vault = self.vault.as_ref().filter(|_| is_needed);
        let vault = vault.map(|(vault, login)| (vault, login));
        Ok(Secrets::begin(
            &self.wanted,
            vault,
            hidden,
            self.kept_back,
            departure,
        )?)
    }
}

/// The Vault that the file names, and how to log in there.
///
/// # Errors
/// The address is none, or the certificates can't be read.
pub(crate) fn vault_of(
    written: &VaultWritten,
    folder: &Path,
) -> Result<(Vault, Login), dropgate_secrets::VaultError> {
    let vault = Vault::new(VaultSettings {
        address: written.address.clone(),
        namespace: written.namespace.clone(),
        ca_file: written.ca_file.as_ref().map(|path| folder.join(path)),
        timeout: written.timeout.map_or(TIMEOUT, |time| time.0),
    })?;
    Ok((vault, login(written, folder)))
}

fn login(written: &VaultWritten, folder: &Path) -> Login {
    let mount =
        |mount: &Option<String>, usual: &str| mount.clone().unwrap_or_else(|| usual.to_owned());
    if let Some(path) = &written.token_file {
        return Login::TokenFile(folder.join(path));
    }
    if let Some(path) = &written.wrapped_token_file {
        return Login::WrappedTokenFile(folder.join(path));
    }
    if let Some(approle) = &written.approle {
        return Login::AppRole {
            mount: mount(&approle.mount, "approle"),
            role_id: approle.role_id.clone(),
            secret_id_file: folder.join(&approle.secret_id_file),
        };
    }
    if let Some(jwt) = &written.jwt {
        return Login::Jwt {
            mount: mount(&jwt.mount, "jwt"),
            role: jwt.role.clone(),
            token_file: folder.join(&jwt.token_file),
        };
    }
    if let Some(kubernetes) = &written.kubernetes {
        let token_file = kubernetes.token_file.as_deref();
        return Login::Jwt {
            mount: mount(&kubernetes.mount, "kubernetes"),
            role: kubernetes.role.clone(),
            token_file: folder.join(token_file.unwrap_or(Path::new(SERVICE_ACCOUNT))),
        };
    }
    let variable = written.token_env.clone();
    Login::TokenVariable(variable.unwrap_or_else(|| "VAULT_TOKEN".to_owned()))
}

fn wanted_of(name: &str, written: &SecretWritten, folder: &Path) -> Result<Wanted, StartError> {
    let source = if let Some(variable) = &written.env {
        Source::Variable(variable.clone())
    } else if let Some(path) = &written.file {
        Source::File(folder.join(path))
    } else if let Some(argv) = &written.command {
        Source::Command(argv.iter().map(OsString::from).collect())
    } else if let Some(path) = &written.kv {
        Source::Kv(path.clone())
    } else {
        Source::Lease(written.vault.clone().unwrap_or_default())
    };
    let template = written.template.as_deref().map(Template::parse);
    let template = template.transpose().map_err(|error| StartError {
        name: name.to_owned(),
        why: format!("template: {error}"),
    })?;
    Ok(Wanted {
        name: name.to_owned(),
        source,
        field: written.field.clone(),
        template,
        into: match written.into {
            Some(IntoWritten::Env) | None => Into::Variable,
            Some(IntoWritten::Fd) => Into::Descriptor,
            Some(IntoWritten::File) => Into::File,
        },
        on_lost: match written.on_lost {
            Some(OnLostWritten::Stop) | None => OnLost::Stop,
            Some(OnLostWritten::ReadOnly) => OnLost::ReadOnly,
        },
    })
}

/// Variables that the server does not inherit: what the file names, and dropgate's own credentials.
fn kept_back(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = config.secrets.keys().cloned().collect();
    let sources = config.secrets.values();
    names.extend(sources.filter_map(|secret| secret.env.clone()));
    if let Some(vault) = &config.vault {
        names.extend(vault.token_env.clone());
        names.extend(OF_VAULTS.iter().map(|name| (*name).to_owned()));
    }
    names
}
