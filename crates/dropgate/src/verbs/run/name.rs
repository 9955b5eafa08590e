//! A name for a server, from the command that starts it: the name of its journal's folder.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use sha2::{Digest as _, Sha256};

/// Programs that start what comes after them.
const LAUNCHERS: &[&str] = &[
    "npx", "npm", "pnpm", "yarn", "bunx", "bun", "deno", "node", "uvx", "uv", "pipx", "python",
    "python3", "sh", "bash", "env", "exec", "run", "dlx", "tool", "docker",
];
/// The longest readable part, characters.
const MAX_READABLE: usize = 40;

/// A readable part and a digest: `server-filesystem-3f9a2c41`. Equal commands have equal names, and
/// commands that differ in anything have different ones.
pub(crate) fn server_name(command: &[OsString]) -> String {
    format!("{}-{}", readable(command), &command_digest(command)[..8])
}

/// A digest of a command, in hexadecimal.
pub(crate) fn command_digest(command: &[OsString]) -> String {
    let mut digest = Sha256::new();
    for word in command {
        digest.update((word.len() as u64).to_le_bytes());
        digest.update(word.as_bytes());
    }
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn readable(command: &[OsString]) -> String {
    let words = command.iter().map(|word| word.to_string_lossy());
    let names = words
        .filter(|word| !word.starts_with('-'))
        .map(|word| plain(&word));
    let mut named = names.filter(|name| !name.is_empty());
    let telling = named.find(|name| !LAUNCHERS.contains(&name.as_str()));
    telling
        .or_else(|| command.first().map(|word| plain(&word.to_string_lossy())))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "server".to_owned())
}

/// The last part of a path or package name without its version, in characters that are plain in a
/// file's name.
fn plain(word: &str) -> String {
    let last = word
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(word);
    let unversioned = match last.find('@') {
        Some(at) if at > 0 => &last[..at],
        Some(_) | None => last,
    };
    let unversioned = unversioned.split("==").next().unwrap_or(unversioned);
    let kept: String = unversioned
        .chars()
        .map(|character| match character {
            'a'..='z' | '0'..='9' | '-' | '_' => character,
            'A'..='Z' => character.to_ascii_lowercase(),
            _other => '-',
        })
        .take(MAX_READABLE)
        .collect();
    kept.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(words: &[&str]) -> String {
        let command: Vec<OsString> = words.iter().map(Into::into).collect();
        let name = server_name(&command);
        name[..name.len() - 9].to_owned()
    }

    #[test]
    fn the_telling_word_is_found() {
        let rows: &[(&[&str], &str)] = &[
            (
                &[
                    "npx",
                    "-y",
                    "@modelcontextprotocol/server-filesystem@2026.8.31",
                    "/srv",
                ],
                "server-filesystem",
            ),
            (&["uvx", "mcp-server-git==1.2"], "mcp-server-git"),
            (&["/usr/bin/python3", "-m", "My.Server"], "my-server"),
            (&["./build/Server"], "server"),
            (&["sh", "-c"], "sh"),
            (&[""], "server"),
            (&["///"], "server"),
        ];
        for (words, expected) in rows {
            assert_eq!(name(words), *expected, "{words:?}");
        }
    }

    #[test]
    fn what_differs_in_anything_has_another_name() {
        let of = |words: &[&str]| server_name(&words.iter().map(Into::into).collect::<Vec<_>>());
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
        assert_ne!(of(&["a", "b"]), of(&["a", "c"]));
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert!(of(&[&"x".repeat(5000)]).len() <= MAX_READABLE + 9);
    }
}
