//! Words in names: of authorisation, secrets, audit, mutation. Matched on the words of a name, never inside one.

/// Verbs that begin the name of a predicate.
const PREDICATE: &[&str] = &[
    "is",
    "has",
    "can",
    "may",
    "check",
    "authorize",
    "authorise",
    "verify",
    "allow",
    "allowed",
    "permit",
    "permitted",
    "validate",
    "should",
    "enforce",
    "ensure",
    "require",
    "assert",
    "match",
    "matches",
];

/// Nouns of authorisation.
const AUTHORITY: &[&str] = &[
    "auth",
    "authorized",
    "authorised",
    "authorize",
    "authorise",
    "authorization",
    "access",
    "permission",
    "permissions",
    "permitted",
    "allowed",
    "allow",
    "acl",
    "policy",
    "rbac",
    "role",
    "roles",
    "scope",
    "scopes",
    "token",
    "jwt",
    "robots",
    "entitled",
    "entitlement",
    "forbidden",
    "blocked",
    "denied",
    "whitelist",
    "allowlist",
    "denylist",
    "blacklist",
    "safe",
    "trusted",
    "guard",
    "authenticated",
    "authenticate",
    "authentication",
    "owner",
    "admin",
    "origin",
    "signature",
    "license",
    "credential",
    "credentials",
];

/// Words of secrets.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
    "passphrase",
];

/// Last words of names that say something about a secret and do not hold it.
const ABOUT: &[&str] = &[
    "url",
    "uri",
    "host",
    "port",
    "file",
    "path",
    "dir",
    "timeout",
    "seconds",
    "ms",
    "enabled",
    "ttl",
    "scope",
    "scopes",
    "issuer",
    "endpoint",
    "script",
    "header",
    "name",
    "id",
    "type",
    "limit",
    "count",
    "length",
    "expiry",
    "expires",
    "max",
    "min",
    "prefix",
    "mode",
    "method",
    "server",
    "storage",
    "provider",
    "backend",
    "kind",
    "strategy",
    "source",
    "cache",
    "algorithm",
    "manager",
    "policy",
    "format",
    "env",
    "var",
];

/// Whether a name asks for yes or no: `hasApiKey`, `isTokenSet`.
pub fn is_question(name: &str) -> bool {
    asks(&words(name))
}

fn asks(words: &[String]) -> bool {
    words.first().is_some_and(|first| {
        matches!(
            first.as_str(),
            "has" | "is" | "use" | "uses" | "needs" | "enable" | "requires"
        )
    })
}

/// Whether a name is of options that are handed on.
pub fn is_options(name: &str) -> bool {
    words(name).last().is_some_and(|last| {
        matches!(
            last.as_str(),
            "options" | "opts" | "init" | "config" | "settings"
        )
    })
}

/// The words of a name: `checkAccess`, `check_access`, `CHECK_ACCESS` give `check`, `access`; `checkACLAccess` gives `acl` as well.
pub fn words(name: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    // Capitals in a row before this letter: two and more that end before `Upper lower` are a word of their own. One is
    // none (`OAuth`), and neither is the plural of one (`URLs`).
    let mut capitals = 0_usize;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_alphanumeric() {
            all.push(std::mem::take(&mut word));
            lower_before = false;
            capitals = 0;
            continue;
        }
        let begins =
            letter.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase());
        if begins && capitals > 1 && !is_plural(letters.clone()) {
            all.push(std::mem::take(&mut word));
        }
        capitals = if letter.is_uppercase() {
            capitals + 1
        } else {
            0
        };
        if letter.is_uppercase() && lower_before {
            all.push(std::mem::take(&mut word));
        }
        lower_before = letter.is_lowercase() || letter.is_numeric();
        if letter.is_ascii() {
            word.push(letter.to_ascii_lowercase());
        } else {
            word.extend(letter.to_lowercase());
        }
    }
    all.push(word);
    all.retain(|word| !word.is_empty());
    all
}

/// Whether what follows a capital is the `s` of a plural alone: `URLs`, `APIsOf`.
fn is_plural(mut rest: impl Iterator<Item = char>) -> bool {
    rest.next() == Some('s') && rest.next().is_none_or(|after| !after.is_lowercase())
}

/// What is said of a thing of authorisation that lets nobody in: `isOriginRemote`, `isTokenCached`.
const DESCRIBING: &[&str] = &[
    "remote",
    "local",
    "default",
    "cached",
    "loaded",
    "changed",
    "refreshed",
    "refreshing",
    "loading",
    "saved",
    "stored",
];

/// What is done to a thing of authorisation and lets nobody in: `shouldRefreshToken`.
const TENDING: &[&str] = &[
    "refresh", "renew", "rotate", "reload", "load", "fetch", "update", "log", "cache", "store",
    "save", "send", "show", "print", "include", "create", "delete", "use",
];

/// `shouldRefreshToken`, `isOriginRemote`: about a thing of authorisation, and no question whether somebody may.
fn is_about_a_thing(words: &[String]) -> bool {
    let first = words.first().map(String::as_str);
    let tended = words
        .get(1)
        .is_some_and(|verb| TENDING.contains(&verb.as_str()));
    let described = words
        .last()
        .is_some_and(|last| DESCRIBING.contains(&last.as_str()));
    (first == Some("should") && tended) || (first == Some("is") && described)
}

/// Whether a name asks for a permission.
pub fn is_authority(name: &str) -> bool {
    let words = words(name);
    if is_about_a_thing(&words) {
        return false;
    }
    let verb = words.iter().any(|word| PREDICATE.contains(&word.as_str()));
    let noun = words.iter().any(|word| AUTHORITY.contains(&word.as_str()));
    (verb && noun)
        || words
            .first()
            .is_some_and(|first| first.starts_with("authori"))
}

/// Whether a name holds a secret.
pub fn is_secret(name: &str) -> bool {
    let words = words(name);
    let joined = words.join("_");
    let holds_login = [
        "database_url",
        "db_url",
        "redis_url",
        "connection_string",
        "postgres_url",
        "postgresql_url",
        "mysql_url",
        "mongo_url",
        "mongodb_url",
        "mongo_uri",
        "mongodb_uri",
        "redis_uri",
        "postgres_uri",
        "database_uri",
        "db_uri",
    ]
    .iter()
    .any(|known| joined.contains(known));
    if holds_login {
        return true;
    }
    // `hasApiKey` is an answer, and no key; Google's variable of application credentials is a path.
    if asks(&words) || joined.contains("application_credentials") {
        return false;
    }
    // `AUTH_TYPE`, `TOKEN_LIMIT`, `auth_url` speak about a secret and hold none.
    let about = words
        .last()
        .is_some_and(|last| words.len() > 1 && ABOUT.contains(&last.as_str()));
    if about && !name.to_lowercase().contains("database") && !name.to_lowercase().contains("db_") {
        return false;
    }
    words.iter().any(|word| SECRET.contains(&word.as_str()))
        || [
            "api_key",
            "access_key",
            "private_key",
            "secret_key",
            "master_key",
            "signing_key",
            "encryption_key",
            "auth_key",
            "api_hash",
            "connection_string",
            "database_url",
            "db_url",
        ]
        .iter()
        .any(|name| joined.contains(name))
        || is_short(&words)
}

/// `DB_PASS`, `ADO_PAT`: short forms at the end of a name; alone they are as often something else.
fn is_short(words: &[String]) -> bool {
    words.len() > 1
        && words
            .last()
            .is_some_and(|last| matches!(last.as_str(), "pass" | "pwd" | "pat"))
}

#[cfg(test)]
mod tests {
    use super::{is_authority, is_secret, words};

    #[test]
    fn capitals_in_a_row_are_a_word() {
        let cases: &[(&str, &[&str])] = &[
            ("isRBACAllowed", &["is", "rbac", "allowed"]),
            ("checkACLAccess", &["check", "acl", "access"]),
            ("DBPassword", &["db", "password"]),
            ("OAuthToken", &["oauth", "token"]),
            ("listURLs", &["list", "urls"]),
            ("APIsOf", &["apis", "of"]),
            ("CHECK_ACCESS", &["check", "access"]),
            ("getHTTP2Client", &["get", "http2", "client"]),
            ("IDs", &["ids"]),
        ];
        for (name, expected) in cases {
            assert_eq!(words(name), *expected, "{name}");
        }
        assert!(is_secret("DBPassword") && is_secret("APIKey"));
    }

    #[test]
    fn what_is_done_to_a_token_is_no_permission() {
        for name in [
            "isRBACAllowed",
            "isTokenValid",
            "shouldAllow",
            "checkACLAccess",
            "isOriginAllowed",
        ] {
            assert!(is_authority(name), "{name}");
        }
        for name in ["shouldRefreshToken", "isOriginRemote", "should_log_token"] {
            assert!(!is_authority(name), "{name}");
        }
    }
}
