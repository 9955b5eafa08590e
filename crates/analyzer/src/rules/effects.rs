//! What calls do to the world: which change something, which only read.

use crate::facts::{Expr, Language};
use crate::link::Site;
use crate::vocabulary::{Remote, Role, words};

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

/// Whether a call writes to something: a file, a database, another system.
pub(super) fn changes(site: &Site<'_>) -> bool {
    let file = matches!(
        site.name(),
        "writeFile"
            | "appendFile"
            | "unlink"
            | "rm"
            | "rmdir"
            | "mkdir"
            | "rename"
            | "copyFile"
            | "writeFileSync"
            | "unlinkSync"
            | "WriteFile"
            | "Remove"
            | "Rename"
            | "commit"
            | "execute"
            | "executemany"
            | "Exec"
            | "ExecContext"
    );
    file || posts(site)
}

/// Whether a call asks another system to change something.
pub(super) fn posts(site: &Site<'_>) -> bool {
    let remote = matches!(
        site.role,
        Some(Role::Outbound(Remote::Http | Remote::Other, _))
    );
    let verb = REMOTE_VERBS.contains(&site.name());
    let method = site
        .call
        .option("method")
        .and_then(Expr::text)
        .is_some_and(|method| matches!(method.to_uppercase().as_str(), "POST" | "PATCH"));
    remote && (verb || method)
}

/// Beginnings of the paths of what reads and writes files.
const FILES: &[(Language, &[&str])] = &[
    (Language::TypeScript, &["fs.", "fs/promises.", "fs-extra."]),
    (
        Language::Python,
        &[
            "open",
            "io.open",
            "os.open",
            "os.listdir",
            "os.scandir",
            "os.stat",
            "os.remove",
            "os.unlink",
            "os.rename",
            "os.makedirs",
            "os.mkdir",
            "os.walk",
            "pathlib.",
            "shutil.",
            "aiofiles.",
        ],
    ),
    (Language::Rust, &["std.fs.", "tokio.fs."]),
    (
        Language::Go,
        &[
            "os.Open",
            "os.Create",
            "os.ReadFile",
            "os.WriteFile",
            "os.ReadDir",
            "os.Stat",
            "os.Remove",
            "os.Rename",
            "os.Mkdir",
            "os.Lstat",
            "io/ioutil.",
        ],
    ),
];

/// Whether a call reads or writes files: what fails there names paths.
pub(super) fn is_of_files(language: Language, site: &Site<'_>) -> bool {
    let starts = FILES
        .iter()
        .find(|(known, _)| *known == language)
        .map_or(&[][..], |(_, starts)| starts);
    site.paths.iter().any(|path| {
        starts.iter().any(|start| {
            // A whole name unless it ends in a dot; Go's functions have longer forms, as `os.OpenFile`.
            path.strip_prefix(start).is_some_and(|rest| {
                start.ends_with('.')
                    || rest.is_empty()
                    || rest.starts_with("()")
                    || language == Language::Go
            })
        })
    })
}
