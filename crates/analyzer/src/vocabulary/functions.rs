//! What is known of named functions and libraries beside the role of a call.

use crate::facts::Language;

/// What makes a pattern of a text, and fails where the text is none.
const COMPILING: &[&str] = &[
    "RegExp",
    "re.compile",
    "regex.compile",
    "regexp.Compile",
    "regexp.CompilePOSIX",
    "github.com/gobwas/glob.Compile",
    "regex.Regex.new",
    "regex.RegexBuilder.new",
    "globset.Glob.new",
    "glob.Pattern.new",
];

/// What reads a whole file as a text.
const READING: &[&str] = &[
    "fs.readFileSync",
    "fs.promises.readFile",
    "fs/promises.readFile",
    "open().read",
    "pathlib.Path().read_text",
    "pathlib.Path().read_bytes",
    "std.fs.read_to_string",
    "tokio.fs.read_to_string",
    "os.ReadFile",
];

/// Derives that fill the fields of a type from the command line.
pub const PARSING: &[&str] = &["clap.Parser"];

/// Clients of HTTP whose libraries ask for a close.
const CLOSED_BY_HAND: &[&str] = &["httpx.AsyncClient", "aiohttp.ClientSession"];

/// Libraries that register handlers of signals by themselves or on one call; what they do is not followed.
pub const REGISTERING: &[&str] = &[
    "close-with-grace",
    "exit-hook",
    "async-exit-hook",
    "signal-exit",
    "@godaddy/terminus",
    "lightship",
    "node-cleanup",
];

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

/// Whether a function makes a pattern of a text.
pub fn compiles(path: &str) -> bool {
    COMPILING.contains(&path)
}

/// Whether a function reads a whole file as a text.
pub fn reads_file(path: &str) -> bool {
    READING.contains(&path)
}

/// Whether a client of HTTP is to be closed by whoever made it.
pub fn wants_close(path: &str) -> bool {
    CLOSED_BY_HAND.contains(&path)
}

/// Whether a function reads or writes files.
pub fn is_of_files(language: Language, path: &str) -> bool {
    let known = FILES.iter().find(|(known, _)| *known == language);
    let mut starts = known.map_or(&[][..], |(_, starts)| starts).iter();
    starts.any(|start| {
        // A whole name unless it ends in a dot; Go's functions have longer forms, as `os.OpenFile`.
        path.strip_prefix(start).is_some_and(|rest| {
            start.ends_with('.')
                || rest.is_empty()
                || rest.starts_with("()")
                || language == Language::Go
        })
    })
}
