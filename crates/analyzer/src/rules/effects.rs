//! What calls do to the world: which change something, which only read.

use std::collections::BTreeSet;

use crate::facts::{Expr, ExprKind, Language};
use crate::link::{FnRef, Project, Site};
use crate::vocabulary::{Remote, Role, functions, words};

/// Verbs of names that change something.
const CHANGING: &[&str] = &[
    "create", "delete", "remove", "update", "write", "insert", "send", "post", "put", "patch",
    "charge", "add", "set", "edit", "move", "rename", "upload", "publish", "drop", "execute",
    "transfer", "pay", "book", "merge", "push", "save", "store", "apply", "kill", "restart",
];

/// Verbs of calls that change something on another system.
const REMOTE_VERBS: &[&str] = &[
    "post",
    "put",
    "patch",
    "delete",
    "insert",
    "create",
    "send",
    "charge",
    "publish",
    "sendMessage",
    "Post",
    "create_all",
];

/// Whether the name of a tool says that it changes something.
pub(super) fn is_changing_name(name: &str) -> bool {
    let words = words::words(name);
    words
        .first()
        .is_some_and(|first| CHANGING.contains(&first.as_str()))
        || words.iter().any(|word| {
            matches!(
                word.as_str(),
                "delete" | "remove" | "write" | "create" | "update" | "send" | "insert" | "drop"
            )
        })
}

/// Words in names of what changes files.
const FILE_VERBS: &[&str] = &[
    "append", "chmod", "chown", "copy", "cp", "create", "link", "make", "makedirs", "mkdir",
    "mkfifo", "move", "mv", "remove", "rename", "replace", "rm", "rmdir", "rmtree", "symlink",
    "touch", "truncate", "unlink", "write",
];

/// Words by which a statement of SQL begins that changes something.
const SQL_VERBS: &[&str] = &[
    "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE",
    "GRANT", "REVOKE", "CALL", "COPY", "COMMIT",
];

/// Names of methods of files and databases that change something whatever they are given, where nothing is known of what they are of.
const WRITERS: &[&str] = &[
    "writeFile",
    "appendFile",
    "copyFile",
    "writeFileSync",
    "unlinkSync",
    "WriteFile",
    "commit",
    "executemany",
    "Exec",
    "ExecContext",
];

/// Whether a call writes to something: a file, a database, another system.
pub(super) fn changes(site: &Site<'_>) -> bool {
    match statement(site) {
        Some(verb) => SQL_VERBS.contains(&verb.as_str()),
        None => WRITERS.contains(&site.name()) || changes_files(site) || posts(site),
    }
}

/// Whether a call removes a file or folder.
pub(super) fn removes(site: &Site<'_>) -> bool {
    let words = words::words(site.name());
    words.iter().any(|word| {
        matches!(
            word.as_str(),
            "unlink" | "rm" | "rmdir" | "rmtree" | "remove"
        )
    })
}

/// The first word of a statement of SQL that a call is given.
fn statement(site: &Site<'_>) -> Option<String> {
    const RUN: &[&str] = &[
        "execute",
        "executemany",
        "query",
        "run",
        "exec",
        "Exec",
        "ExecContext",
        "prepare",
    ];
    if !RUN.contains(&site.name()) {
        return None;
    }
    let mut args = site.call.args.iter();
    let text = args.find_map(|arg| {
        let mut first = &arg.value;
        while let ExprKind::Join(parts) = &first.kind {
            first = parts.first()?;
        }
        first.text()
    })?;
    let word = text.split_whitespace().next()?.to_uppercase();
    let known = [
        "SELECT", "WITH", "PRAGMA", "SHOW", "EXPLAIN", "BEGIN", "SET",
    ];
    (known.contains(&word.as_str()) || SQL_VERBS.contains(&word.as_str())).then_some(word)
}

/// Whether a call of what reads and writes files does the latter.
fn changes_files(site: &Site<'_>) -> bool {
    let mut languages = Language::ALL.iter();
    if !languages.any(|language| is_of_files(*language, site)) {
        return false;
    }
    let words = words::words(site.name());
    let opened = matches!(site.name(), "open" | "fdopen")
        && site
            .call
            .arg(1)
            .or_else(|| site.call.option("mode"))
            .and_then(Expr::text)
            .is_some_and(|mode| mode.contains(['w', 'a', 'x', '+']));
    opened || words.iter().any(|word| FILE_VERBS.contains(&word.as_str()))
}

/// The functions that change something, themselves or through what they call.
pub(super) fn changing(project: &Project<'_>) -> BTreeSet<FnRef> {
    let sites = project.sites().filter(|site| changes(site));
    project.above_any(sites.map(|site| site.at))
}

/// Whether a call asks another system to change something.
pub(super) fn posts(site: &Site<'_>) -> bool {
    let remote = matches!(
        site.role,
        Some(Role::Outbound(Remote::Http | Remote::Other, _))
    );
    // A builder of Rust sends what it was told before.
    let only_asks = site.name() == "send"
        && site
            .paths
            .iter()
            .any(|path| path.contains(".get()") || path.contains(".head()"));
    let verb = REMOTE_VERBS.contains(&site.name()) && !only_asks;
    let method = site
        .call
        .option("method")
        .and_then(Expr::text)
        .is_some_and(|method| matches!(method.to_uppercase().as_str(), "POST" | "PATCH"));
    remote && (verb || method)
}

/// Whether a call reads or writes files: what fails there names paths.
pub(super) fn is_of_files(language: Language, site: &Site<'_>) -> bool {
    let mut paths = site.paths.iter();
    paths.any(|path| functions::is_of_files(language, path))
}
