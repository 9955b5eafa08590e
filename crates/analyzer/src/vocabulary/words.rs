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
    words(name).first().is_some_and(|first| {
        matches!(
            first.as_str(),
            "has" | "is" | "use" | "uses" | "needs" | "enable" | "requires"
        )
    })
}

/// The words of a name: `checkAccess`, `check_access`, `CHECK_ACCESS` give `check`, `access`.
pub fn words(name: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            all.push(std::mem::take(&mut word));
            lower_before = false;
            continue;
        }
        if letter.is_uppercase() && lower_before {
            all.push(std::mem::take(&mut word));
        }
        lower_before = letter.is_lowercase() || letter.is_numeric();
        word.extend(letter.to_lowercase());
    }
    all.push(word);
    all.retain(|word| !word.is_empty());
    all
}

/// Whether a name asks for a permission.
pub fn is_authority(name: &str) -> bool {
    let words = words(name);
    let verb = words.iter().any(|word| PREDICATE.contains(&word.as_str()));
    let noun = words.iter().any(|word| AUTHORITY.contains(&word.as_str()));
    (verb && noun)
        || words
            .first()
            .is_some_and(|first| first.starts_with("authori"))
}

/// Whether a name holds a secret.
pub fn is_secret(name: &str) -> bool {
    let joined_name = words(name).join("_");
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
    .any(|known| joined_name.contains(known));
    if holds_login {
        return true;
    }
    let words = words(name);
    // `hasApiKey` is an answer, and no key; Google's variable of application credentials is a path.
    if is_question(name) || joined_name.contains("application_credentials") {
        return false;
    }
    // `AUTH_TYPE`, `TOKEN_LIMIT`, `auth_url` speak about a secret and hold none.
    let about = words
        .last()
        .is_some_and(|last| words.len() > 1 && ABOUT.contains(&last.as_str()));
    if about && !name.to_lowercase().contains("database") && !name.to_lowercase().contains("db_") {
        return false;
    }
    let joined = words.join("_");
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
