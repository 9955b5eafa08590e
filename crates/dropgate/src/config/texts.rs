//! Texts that can be no name, path or address: told when the file is read, not when the text is first used.

use std::path::Path;

use super::secrets::{IntoWritten, SecretWritten, VaultWritten};
use super::written::{Config, OnUnknown};

/// The longest name of a tool or of an argument, bytes.
const MAX_NAME: usize = 256;
/// The longest text otherwise, bytes: what Linux takes as a path.
const MAX_TEXT: usize = 4096;
/// How many tools may be named in an operator's orders.
const MAX_ORDERS: usize = 256;
/// How many arguments may be recorded in clear.
const MAX_CLEAR: usize = 64;
/// What other patterns know, and these don't.
const OF_OTHER_PATTERNS: &[char] = &['?', '[', ']', '{', '}'];

/// A pattern for names of tools, or why it can be none.
pub(crate) fn tool_pattern(pattern: &str) -> Result<(), String> {
    fits(pattern, MAX_NAME)?;
    match pattern.find(OF_OTHER_PATTERNS) {
        Some(_) => Err(
            "only * stands for other characters, and no tool's name has ? [ ] { or }; \
                        write a name, or part of one with *"
                .to_owned(),
        ),
        None => Ok(()),
    }
}

/// A text that can't be used, with what can.
pub(super) fn unusable(config: &Config) -> Option<(&'static str, String)> {
    let patterns = config.tools.patterns.iter();
    let in_tools = patterns.filter_map(|tool| {
        let told = |why: String| {
            (
                "tools",
                format!("[tools.{:?}]: {why}", shown(&tool.pattern)),
            )
        };
        if let Err(why) = tool_pattern(&tool.pattern) {
            return Some(told(why));
        }
        let settings = &tool.settings;
        let argument = settings.idempotency_key_argument.as_deref();
        if let Err(why) = argument.map_or(Ok(()), |name| fits(name, MAX_NAME)) {
            return Some(told(format!("idempotency_key_argument: {why}")));
        }
        let Some(OnUnknown::Reconcile(name)) = &settings.on_unknown else {
            return None;
        };
        let why = tool_name(name).err()?;
        Some(told(format!("on_unknown: {why}")))
    });
    let mut found = in_tools
        .chain(in_breaker(config))
        .chain(in_read_only(config))
        .chain(in_authorize(config))
        .chain(in_journal(config));
    if let Some(found) = found.next() {
        return Some(found);
    }
    let secrets = config.secrets.iter().find_map(|(name, secret)| {
        let why = in_secret(secret).or_else(|| taken(name, config))?;
        Some(("secrets", format!("[secrets.{name}]: {why}")))
    });
    secrets.or_else(|| {
        let why = config.vault.as_ref().and_then(in_vault)?;
        Some(("vault", why))
    })
}

fn in_read_only(config: &Config) -> Option<(&'static str, String)> {
    let read_only = config.read_only.as_ref()?;
    match (&read_only.probe_tool, read_only.every) {
        (Some(name), _) => tool_name(name)
            .err()
            .map(|why| ("read_only.probe_tool", why)),
        (None, Some(_)) => Some((
            "read_only.every",
            "nothing is probed without probe_tool; name one, or leave every out".to_owned(),
        )),
        (None, None) => None,
    }
}

fn in_breaker(config: &Config) -> Option<(&'static str, String)> {
    let orders = &config.breaker.tools;
    let why = if orders.len() > MAX_ORDERS {
        Some(format!(
            "{} tools are named, and at most {MAX_ORDERS} may be",
            orders.len()
        ))
    } else {
        orders
            .keys()
            .find_map(|name| Some(format!("{:?}: {}", shown(name), tool_name(name).err()?)))
    };
    Some(("breaker.tools", why?))
}

fn in_authorize(config: &Config) -> Option<(&'static str, String)> {
    let authorize = config.authorize.as_ref()?;
    let mut patterns = authorize.cedar.iter();
    if let Some(why) = patterns.find_map(|pattern| fits(pattern, MAX_TEXT).err()) {
        return Some(("authorize.cedar", why));
    }
    let url = authorize.authzen.as_ref()?.url.as_str();
    let is_address = url.starts_with("http://") || url.starts_with("https://");
    let why = match fits(url, MAX_TEXT) {
        Err(why) => why,
        Ok(()) if is_address => return None,
        Ok(()) => "write http://HOST:PORT/access/v1/evaluation, or https".to_owned(),
    };
    Some(("authorize.authzen.url", why))
}

fn in_journal(config: &Config) -> Option<(&'static str, String)> {
    let copy = config.journal.copy.as_ref();
    if let Some(why) = copy.and_then(|copy| path(&copy.dir).err()) {
        return Some(("journal.copy.dir", why));
    }
    let clear = &config.journal.clear;
    let why = if clear.len() > MAX_CLEAR {
        Some(format!(
            "{} paths are named, and at most {MAX_CLEAR} may be",
            clear.len()
        ))
    } else {
        clear
            .iter()
            .find_map(|path| Some(format!("{:?}: {}", shown(path), pointer(path).err()?)))
    };
    Some(("journal.clear", why?))
}

/// A path into arguments, or why it can be none.
fn pointer(path: &str) -> Result<(), String> {
    fits(path, MAX_NAME)?;
    let escapes = path.split('~').skip(1);
    if !path.starts_with('/') {
        Err("it leads to no argument; write /NAME, or /NAME/NAME for one further in".to_owned())
    } else if escapes.clone().any(|rest| !rest.starts_with(['0', '1'])) {
        Err("in a name write ~0 for ~, and ~1 for /".to_owned())
    } else {
        Ok(())
    }
}

/// The name of one tool, or why it can be none.
fn tool_name(name: &str) -> Result<(), String> {
    tool_pattern(name)?;
    if name.contains('*') {
        return Err("write the name of one tool, without *".to_owned());
    }
    Ok(())
}

fn in_secret(secret: &SecretWritten) -> Option<String> {
    let texts = [
        ("field", secret.field.as_deref()),
        ("template", secret.template.as_deref()),
    ];
    let command = secret.command.iter().flatten().enumerate();
    let words = command.map(|(at, word)| match at {
        0 => path(Path::new(word)),
        // An argument may be long, have many lines, or be empty.
        _ if word.contains('\0') => Err("it has a zero byte".to_owned()),
        _ => Ok(()),
    });
    let mut all = texts
        .into_iter()
        .filter_map(|(key, text)| Some((key, fits(text?, MAX_TEXT))))
        .chain(secret.env.as_deref().map(|name| ("env", variable(name))))
        .chain(secret.file.as_deref().map(|file| ("file", path(file))))
        .chain(words.map(|word| ("command", word)))
        .chain(secret.kv.as_deref().map(|path| ("kv", vault_path(path))))
        .chain(
            secret
                .vault
                .as_deref()
                .map(|path| ("vault", vault_path(path))),
        );
    let wrong = all.find_map(|(key, fits)| Some(format!("{key}: {}", fits.err()?)));
    wrong.or_else(|| in_template(secret))
}

/// Gaps that nothing could fill, or none at all.
fn in_template(secret: &SecretWritten) -> Option<String> {
    let template = secret.template.as_deref()?;
    let template = dropgate_secrets::Template::parse(template).ok()?;
    if template.fields().next().is_none() {
        return Some("template: it has no gap, so nothing of the secret gets into it".to_owned());
    }
    let from_vault = secret.kv.is_some() || secret.vault.is_some();
    let odd = template
        .fields()
        .find(|gap| *gap != "value" && !from_vault)?;
    Some(format!(
        "template: {{{}}} has no value here; the gap is {{value}}",
        shown(odd)
    ))
}

/// Why a name can't be given to a secret: it would be said twice, or stand in the way of dropgate's own.
fn taken(name: &str, config: &Config) -> Option<String> {
    if matches!(
        name,
        dropgate_process::SCOPE_VARIABLE | "CREDENTIALS_DIRECTORY"
    ) {
        return Some("dropgate sets this variable itself; choose another name".to_owned());
    }
    let owner = name.strip_suffix("_FD")?;
    let other = config.secrets.get(owner)?;
    (other.into == Some(IntoWritten::Fd)).then(|| {
        format!("this variable is the number of {owner}'s descriptor; choose another name")
    })
}

fn in_vault(vault: &VaultWritten) -> Option<String> {
    let files = [
        ("ca_file", vault.ca_file.as_deref()),
        ("token_file", vault.token_file.as_deref()),
        ("wrapped_token_file", vault.wrapped_token_file.as_deref()),
        (
            "approle.secret_id_file",
            vault.approle.as_ref().map(|it| it.secret_id_file.as_path()),
        ),
        (
            "jwt.token_file",
            vault.jwt.as_ref().map(|it| it.token_file.as_path()),
        ),
        (
            "kubernetes.token_file",
            vault
                .kubernetes
                .as_ref()
                .and_then(|it| it.token_file.as_deref()),
        ),
    ];
    let words = [
        (
            "approle.role_id",
            vault.approle.as_ref().map(|it| it.role_id.as_str()),
        ),
        ("jwt.role", vault.jwt.as_ref().map(|it| it.role.as_str())),
        (
            "kubernetes.role",
            vault.kubernetes.as_ref().map(|it| it.role.as_str()),
        ),
        ("namespace", vault.namespace.as_deref()),
        (
            "approle.mount",
            vault.approle.as_ref().and_then(|it| it.mount.as_deref()),
        ),
        (
            "jwt.mount",
            vault.jwt.as_ref().and_then(|it| it.mount.as_deref()),
        ),
        (
            "kubernetes.mount",
            vault.kubernetes.as_ref().and_then(|it| it.mount.as_deref()),
        ),
    ];
    let mut all = files
        .into_iter()
        .filter_map(|(key, file)| Some((key, path(file?))))
        .chain(
            words
                .into_iter()
                .filter_map(|(key, word)| Some((key, vault_path(word?)))),
        )
        .chain(
            vault
                .token_env
                .as_deref()
                .map(|name| ("token_env", variable(name))),
        )
        .chain([("address", dropgate_secrets::check_address(&vault.address))]);
    all.find_map(|(key, fits)| Some(format!("{key}: {}", fits.err()?)))
}

fn path(path: &Path) -> Result<(), String> {
    fits(&path.to_string_lossy(), MAX_TEXT)
}

fn vault_path(text: &str) -> Result<(), String> {
    fits(text, MAX_TEXT)?;
    if dropgate_secrets::is_path(text) {
        Ok(())
    } else {
        Err("write letters, digits and signs of ASCII, without spaces, ? # % \\ and \"".to_owned())
    }
}

fn variable(name: &str) -> Result<(), String> {
    fits(name, MAX_NAME)?;
    if name.contains('=') {
        return Err("no variable's name has =".to_owned());
    }
    Ok(())
}

/// What holds for every text.
fn fits(text: &str, most: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is empty; leave the key out, or write something".to_owned());
    }
    if text.len() > most {
        return Err(format!(
            "it has {} bytes, and at most {most} are of use",
            text.len()
        ));
    }
    match text.chars().find(|letter| letter.is_control()) {
        Some(letter) => Err(format!("it holds the control character {letter:?}")),
        None => Ok(()),
    }
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    const VAULT: &str = "[vault]\naddress = \"http://127.0.0.1:8200\"\n";

    fn verdict(text: &str) -> Result<(), String> {
        let parsed = parse(text, std::path::Path::new("a.toml"));
        parsed.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn every_text_is_bounded_not_empty_and_on_one_line() {
        let long = "x".repeat(1 << 19);
        let rows = [
            ("", "[tools.VALUE]\nclass = \"read\"\n"),
            ("", "[tools.a]\nidempotency_key_argument = VALUE\n"),
            ("", "[read_only]\nprobe_tool = VALUE\n"),
            ("", "[secrets.A]\nenv = VALUE\n"),
            ("", "[secrets.A]\nfile = VALUE\n"),
            ("", "[secrets.A]\ncommand = [VALUE]\n"),
            ("", "[secrets.A]\nenv = \"B\"\ntemplate = VALUE\n"),
            (VAULT, "[secrets.A]\nkv = VALUE\n"),
            (VAULT, "[secrets.A]\nvault = VALUE\n"),
            (VAULT, "[secrets.A]\nkv = \"a\"\nfield = VALUE\n"),
            ("", "[authorize]\ncedar = [VALUE]\n"),
            ("", "[authorize.authzen]\nurl = VALUE\n"),
            ("", "[vault]\naddress = VALUE\n"),
            (VAULT, "namespace = VALUE\n"),
            (VAULT, "ca_file = VALUE\n"),
            (VAULT, "token_env = VALUE\n"),
            (VAULT, "token_file = VALUE\n"),
            (VAULT, "wrapped_token_file = VALUE\n"),
            (
                VAULT,
                "[vault.approle]\nrole_id = VALUE\nsecret_id_file = \"a\"\n",
            ),
            (
                VAULT,
                "[vault.approle]\nrole_id = \"a\"\nsecret_id_file = VALUE\n",
            ),
            (VAULT, "[vault.jwt]\nrole = VALUE\ntoken_file = \"a\"\n"),
            (
                VAULT,
                "[vault.jwt]\nrole = \"a\"\ntoken_file = \"a\"\nmount = VALUE\n",
            ),
            (VAULT, "[vault.kubernetes]\nrole = VALUE\n"),
            (
                VAULT,
                "[vault.kubernetes]\nrole = \"a\"\ntoken_file = VALUE\n",
            ),
        ];
        for (before, row) in rows {
            for value in ["", " ", "\\u0000", "a\\nb", &long] {
                let text = format!("{before}{}", row.replace("VALUE", &format!("\"{value}\"")));
                let error = verdict(&text).expect_err(row);
                assert!(error.len() < 400, "{row}: {} bytes", error.len());
                assert!(!error.contains('\0') && !error.contains('\n'), "{error}");
            }
        }
    }

    #[test]
    fn names_that_can_be_no_tools_are_refused() {
        for pattern in ["[[", "a?", "{a,b}", "]"] {
            let error = verdict(&format!("[tools.\"{pattern}\"]\nclass = \"read\"\n"));
            assert!(
                error.unwrap_err().contains("only * stands for"),
                "{pattern}"
            );
        }
        for taken in ["*", "delete_*", "a.b/c-d e", "größe"] {
            assert_eq!(
                verdict(&format!("[tools.\"{taken}\"]\nclass = \"read\"\n")),
                Ok(())
            );
        }
        let all = verdict("[read_only]\nprobe_tool = \"*\"\n");
        assert!(all.unwrap_err().contains("without *"));
        let other = verdict("[tools.a]\non_unknown = \"reconcile:x*\"\n");
        assert!(other.unwrap_err().contains("without *"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (text, part) in [
            ("[read_only]\nevery = \"1s\"\n", "without probe_tool"),
            (
                "[secrets.DROPGATE_SCOPE]\nenv = \"B\"\n",
                "sets this variable itself",
            ),
            (
                "[secrets.CREDENTIALS_DIRECTORY]\nenv = \"B\"\n",
                "sets this variable itself",
            ),
            (
                "[secrets.A]\nenv = \"B\"\ninto = \"fd\"\n[secrets.A_FD]\nenv = \"C\"\n",
                "A's descriptor",
            ),
            (
                "[secrets.A]\nenv = \"B\"\ntemplate = \"constant\"\n",
                "has no gap",
            ),
            (
                "[secrets.A]\nenv = \"B\"\ntemplate = \"{user}\"\n",
                "the gap is {value}",
            ),
            ("[secrets.A]\nenv = \"B=C\"\n", "no variable's name has ="),
            (
                "[authorize.authzen]\nurl = \"localhost:9\"\n",
                "write http://",
            ),
            ("[calls]\nmax_in_flight = 70000\n", "from 0 to 65535"),
            ("[tools.a]\ntimeout = 5\n", "write a text in quotes"),
            ("[journal]\nclear = [\"path\"]\n", "write /NAME"),
            ("[journal]\nclear = [\"/a~2\"]\n", "write ~0 for ~"),
            ("[journal]\nclear = [\"/a\", \"\"]\n", "it is empty"),
            (
                "[calls]\ntimeout = \"10s\"\nmax_timeout = \"5s\"\n",
                "shorter than calls.timeout",
            ),
        ] {
            let error = verdict(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
        for (count, part) in [(64, None), (65, Some("at most 64"))] {
            let text = format!("[journal]\nclear = [{}]\n", "\"/a~0b~1\",".repeat(count));
            let error = verdict(&text).err();
            assert_eq!(error.is_some(), part.is_some());
            assert!(error.unwrap_or_default().contains(part.unwrap_or_default()));
        }
        let two = "[secrets.A]\nenv = \"B\"\n[secrets.A_FD]\nenv = \"C\"\n";
        assert_eq!(verdict(two), Ok(()));
    }
}
