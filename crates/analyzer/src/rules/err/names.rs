//! Names by which the text of an error is known: its members, and the functions that make, clean or only look at it.

/// Members of an error that hold its text.
pub(super) const TEXT_MEMBERS: &[&str] = &[
    "message",
    "msg",
    "args",
    "stderr",
    "stdout",
    "detail",
    "details",
    "description",
    "reason",
    "sqlMessage",
    "shortMessage",
    "errmsg",
    "strerror",
    "orig",
    "diag",
    "text",
];

/// Members of an error that hold what the other end answered, which is as raw as the error.
pub(super) const ANSWERS: &[&str] = &["response", "data", "body", "error", "cause"];

/// Methods of an error that give its text.
pub(super) const TEXT_METHODS: &[&str] = &[
    "toString",
    "to_string",
    "Error",
    "getMessage",
    "String",
    "with_traceback",
    "format",
    "root_cause",
    "errors",
    "Unwrap",
    "json",
    "read",
];

/// Functions that make a text of what they are given.
pub(super) const CONVERTERS: &[&str] = &[
    "str",
    "repr",
    "String",
    "format",
    "stringify",
    "dumps",
    "Sprintf",
    "Sprint",
    "Errorf",
    "to_string",
    "inspect",
    "Debug",
    "fmt",
    "Wrap",
    "Wrapf",
    "from",
    "into",
    "bail_public",
];

/// Functions that tell of an error without its text.
pub(super) const PREDICATES: &[&str] = &[
    "isinstance",
    "issubclass",
    "type",
    "len",
    "id",
    "hash",
    "bool",
    "int",
    "float",
    "hasattr",
    "Is",
    "As",
    "includes",
    "startsWith",
    "endsWith",
    "startswith",
    "endswith",
    "test",
    "match",
    "search",
    "indexOf",
    "Contains",
    "HasPrefix",
    "contains",
    "starts_with",
    "find",
    "is_some",
    "is_none",
    "Number",
    "Boolean",
];

/// Words of names that clean a text.
pub(super) const CLEANING: &[&str] = &[
    "sanitize",
    "sanitise",
    "sanitized",
    "redact",
    "redacted",
    "scrub",
    "mask",
    "clean",
    "obfuscate",
    "anonymize",
];

/// Words of names that promise another text: believed only of what can't be read.
pub(super) const PROMISING: &[&str] = &[
    "public",
    "safe",
    "generic",
    "classify",
    "translate",
    "friendly",
];
