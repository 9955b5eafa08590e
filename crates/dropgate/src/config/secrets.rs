//! `[secrets.NAME]` and `[vault]`, as written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Time;
use super::written::Config;

/// `[secrets.NAME]`: exactly one of `env`, `file`, `command`, `kv` and `vault`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SecretWritten {
    /// A variable of dropgate's own environment. The server does not inherit it.
    pub(crate) env: Option<String>,
    /// A file, relative to this one; a line end at its end is left out.
    pub(crate) file: Option<PathBuf>,
    /// A program and its arguments; what it writes to stdout, without a line end at the end.
    pub(crate) command: Option<Vec<String>>,
    /// A path of a key-value engine of the Vault, for example `secret/data/app`.
    pub(crate) kv: Option<String>,
    /// A path of the Vault that makes credentials with a lease, for example `database/creds/app`.
    /// Secrets with the same path share one lease.
    pub(crate) vault: Option<String>,
    /// Which field of the path it is. Not needed for one field, or with a template.
    pub(crate) field: Option<String>,
    /// A text with gaps: `{FIELD}` for a field of the path, `{value}` for any other source, and
    /// `{FIELD:url}` with percent codes.
    pub(crate) template: Option<String>,
    /// How the server gets it. Default: env.
    pub(crate) into: Option<IntoWritten>,
    /// What it means when its lease ends and can't be renewed. Default: stop.
    pub(crate) on_lost: Option<OnLostWritten>,
}

/// What the loss of a lease means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnLostWritten {
    /// dropgate shuts down as after SIGTERM.
    Stop,
    /// Calls that write are refused, calls that read go on.
    ReadOnly,
}

/// How the server gets a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IntoWritten {
    /// As the variable `NAME`.
    Env,
    /// As an inherited descriptor of a sealed memory file; the variable `NAME_FD` is its number.
    Fd,
    /// As the file `NAME`, in memory, in the folder that the variable `CREDENTIALS_DIRECTORY` names.
    File,
}

/// `[vault]`: the address, and at most one way to log in.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VaultWritten {
    /// Where it is, for example `https://vault.internal:8200`.
    pub(crate) address: String,
    /// A namespace.
    pub(crate) namespace: Option<String>,
    /// A file of certificates in PEM that are trusted instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// How long one request may take, 5s at most. Default: 2s.
    pub(crate) timeout: Option<Time>,
    /// A variable of dropgate's environment with a token. Default: VAULT_TOKEN.
    pub(crate) token_env: Option<String>,
    /// A file with a token.
    pub(crate) token_file: Option<PathBuf>,
    /// A file with a token that wraps the one to use.
    pub(crate) wrapped_token_file: Option<PathBuf>,
    /// Log in by AppRole.
    pub(crate) approle: Option<AppRoleWritten>,
    /// Log in with a signed token of a platform, by the method `jwt`.
    pub(crate) jwt: Option<JwtWritten>,
    /// Log in with the token of a service account of Kubernetes.
    pub(crate) kubernetes: Option<KubernetesWritten>,
}

/// `[vault.approle]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppRoleWritten {
    /// The role's id.
    pub(crate) role_id: String,
    /// A file with a secret id.
    pub(crate) secret_id_file: PathBuf,
    /// Where the method is mounted. Default: approle.
    #[serde(default)]
    pub(crate) mount: Option<String>,
}

/// `[vault.jwt]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JwtWritten {
    /// The role to take.
    pub(crate) role: String,
    /// A file with the signed token.
    pub(crate) token_file: PathBuf,
    /// Where the method is mounted. Default: jwt.
    #[serde(default)]
    pub(crate) mount: Option<String>,
}

/// `[vault.kubernetes]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubernetesWritten {
    /// The role to take.
    pub(crate) role: String,
    /// A file with the service account's token. Default: where Kubernetes puts it.
    #[serde(default)]
    pub(crate) token_file: Option<PathBuf>,
    /// Where the method is mounted. Default: kubernetes.
    #[serde(default)]
    pub(crate) mount: Option<String>,
}

/// The most secrets of one server.
const MOST: usize = 64;
/// The longest that one request to the Vault may be allowed.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(5);
const SHORTEST: std::time::Duration = std::time::Duration::from_millis(1);

/// What makes no sense, with what would.
pub(super) fn out_of_range(config: &Config) -> Option<(&'static str, String)> {
    if config.secrets.len() > MOST {
        return Some(("secrets", format!("write at most {MOST} of them")));
    }
    for (name, secret) in &config.secrets {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if !name.chars().all(plain) || name.is_empty() || name.starts_with(char::is_numeric) {
            let text = format!("{name:?} can be no variable; use letters, digits and _");
            return Some(("secrets", text));
        }
        if let Some(why) = secret.wrong(config.vault.as_ref()) {
            return Some(("secrets", format!("[secrets.{name}]: {why}")));
        }
    }
    let vault = config.vault.as_ref()?;
    if vault.address.is_empty() {
        return Some((
            "vault",
            "write address, as in http://127.0.0.1:8200".to_owned(),
        ));
    }
    if vault
        .timeout
        .is_some_and(|time| !(SHORTEST..=LONGEST).contains(&time.0))
    {
        return Some(("vault.timeout", "write 1ms to 5s".to_owned()));
    }
    if vault.logins() > 1 {
        let text = "write one of token_env, token_file, wrapped_token_file, [vault.approle], \
                    [vault.jwt] and [vault.kubernetes]";
        return Some(("vault", text.to_owned()));
    }
    None
}

impl SecretWritten {
    fn wrong(&self, vault: Option<&VaultWritten>) -> Option<String> {
        let sources = [
            self.env.is_some(),
            self.file.is_some(),
            self.command.is_some(),
            self.kv.is_some(),
            self.vault.is_some(),
        ];
        if sources.iter().filter(|is_there| **is_there).count() != 1 {
            return Some("write exactly one of env, file, command, kv and vault".to_owned());
        }
        if self.command.as_ref().is_some_and(Vec::is_empty) {
            return Some("command has no program".to_owned());
        }
        let from_vault = self.kv.is_some() || self.vault.is_some();
        if from_vault && vault.is_none() {
            return Some("it comes from a Vault, so write [vault] with its address".to_owned());
        }
        if self.field.is_some() && (!from_vault || self.template.is_some()) {
            return Some("field is for kv and vault without a template".to_owned());
        }
        if self.on_lost.is_some() && self.vault.is_none() {
            return Some("on_lost is for vault, since nothing else has a lease".to_owned());
        }
        let template = self
            .template
            .as_deref()
            .map(dropgate_secrets::Template::parse);
        match template {
            Some(Err(error)) => Some(format!("template: {error}")),
            Some(Ok(_)) | None => None,
        }
    }
}

impl VaultWritten {
    fn logins(&self) -> usize {
        let all = [
            self.token_env.is_some(),
            self.token_file.is_some(),
            self.wrapped_token_file.is_some(),
            self.approle.is_some(),
            self.jwt.is_some(),
            self.kubernetes.is_some(),
        ];
        all.iter().filter(|is_there| **is_there).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn what_makes_no_sense_is_named() {
        let vault = "[vault]\naddress = \"http://h\"\n";
        for (text, part) in [
            ("[secrets.A]\n", "exactly one of"),
            ("[secrets.A]\nenv = \"B\"\nfile = \"c\"\n", "exactly one of"),
            ("[secrets.A]\nkv = \"x\"\n", "write [vault]"),
            ("[secrets.A]\nenv = \"B\"\nfield = \"x\"\n", "field is for"),
            ("[secrets.A]\nenv = \"B\"\ntemplate = \"{\"\n", "template:"),
            (
                "[secrets.A]\nenv = \"B\"\non_lost = \"stop\"\n",
                "on_lost is for",
            ),
            ("[secrets.A]\ncommand = []\n", "no program"),
            ("[secrets.\"A-B\"]\nenv = \"B\"\n", "no variable"),
            (
                "[secrets.A]\nenv = \"B\"\ninto = \"argv\"\n",
                "unknown variant",
            ),
            ("[vault]\n", "write address"),
            (&format!("{vault}timeout = \"6s\"\n"), "1ms to 5s"),
            (&format!("{vault}timeout = \"0s\"\n"), "1ms to 5s"),
            (
                &format!("{vault}token_env = \"A\"\ntoken_file = \"b\"\n"),
                "write one of",
            ),
        ] {
            let error = parse(text, std::path::Path::new("a.toml")).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn the_example_of_the_design_is_taken() {
        let text = "[secrets.DATABASE_URL]\nvault = \"database/creds/app\"\n\
                    template = \"postgres://{username}:{password}@127.0.0.1:5432/app\"\n\
                    into = \"env\"\n[vault]\naddress = \"http://127.0.0.1:8200\"\n\
                    token_file = \"/run/secrets/vault-token\"\n";
        let config = parse(text, std::path::Path::new("a.toml")).unwrap();
        assert_eq!(config.secrets.len(), 1);
        let many: String = (0..=MOST)
            .map(|n| format!("[secrets.A{n}]\nenv = \"B\"\n"))
            .collect();
        assert!(parse(&many, std::path::Path::new("a.toml")).is_err());
    }
}
