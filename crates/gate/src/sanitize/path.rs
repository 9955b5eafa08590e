//! Absolute paths: only their last component stays.

use super::budget::{Budget, Fault};
use super::bytes::{before, ends_escape, has_word, run, run_back};
use super::span::{Kind, Spans};

/// The longest path.
const PATH: usize = 4096;

/// Folders at the root of a system, without which a short path may be a route or a pointer into a document.
const ROOTS: &[&str] = &[
    "home",
    "Users",
    "root",
    "usr",
    "var",
    "etc",
    "opt",
    "srv",
    "tmp",
    "app",
    "mnt",
    "media",
    "proc",
    "sys",
    "dev",
    "run",
    "bin",
    "sbin",
    "lib",
    "lib64",
    "boot",
    "private",
    "Library",
    "Applications",
    "Volumes",
    "System",
    "workspace",
    "workspaces",
    "build",
    "builds",
    "code",
    "nix",
    "snap",
    "node_modules",
    "go",
    "github",
    "vercel",
    "sandbox",
    "layers",
    "function",
    "rustc",
    "cores",
    "export",
    "efs",
    "project",
    "repo",
    "src",
    "work",
];

/// Endings of source files.
const SOURCES: &[&str] = &[
    ".rs", ".go", ".py", ".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx", ".java", ".kt", ".cs",
    ".rb", ".php", ".ex", ".erl", ".c", ".cc", ".cpp", ".h", ".swift", ".scala",
];

/// Marks the folders of absolute paths: Unix, Windows, UNC, `file://` and `~/`.
pub(super) fn mark(text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>) -> Result<(), Fault> {
    let mut at = 0;
    let mut asked = 0;
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'/', b'\\', rest))
    {
        let sign = at + found;
        if sign - asked > 1024 {
            budget.spend(sign - asked)?;
            asked = sign;
        }
        let piece = match text[sign] {
            b'/' if goes_on_from_name(text, sign) => match relative(text, sign) {
                Ok(piece) => Some(piece),
                Err(next) => {
                    at = next;
                    continue;
                }
            },
            b'/' => unix(text, sign),
            _ => windows(text, sign),
        };
        at = match piece {
            Some(piece) => {
                spans.add(piece.start..piece.name, Kind::Path);
                budget.spend(piece.end - piece.start)?;
                piece.end
            }
            None => sign + 1,
        };
    }
    Ok(())
}

/// A path: its folders go from `start` to `name`, its last component to `end`.
struct Piece {
    start: usize,
    name: usize,
    end: usize,
}

fn is_component(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(
            byte,
            b'.' | b'_'
                | b'-'
                | b'@'
                | b'+'
                | b'~'
                | b'%'
                | b'$'
                | b'!'
                | b'#'
                | b'='
                | b'{'
                | b'}'
                | b'*'
        )
}

/// The path whose first slash is at `sign`.
fn unix(text: &[u8], sign: usize) -> Option<Piece> {
    let start = unix_start(text, sign)?;
    let closing = match before(text, start) {
        Some(quote @ (b'\'' | b'"' | b'`')) => Some(quote),
        Some(_) | None => None,
    };
    let end = unix_end(text, sign, closing);
    let path = text.get(sign..end)?;
    let path = &path[..path.len() - usize::from(path.len() > 1 && path.ends_with(b"/"))];
    let last = path.iter().rposition(|&byte| byte == b'/')?;
    if last == 0 && start == sign {
        return None;
    }
    if start == sign && is_pointer_or_route(text, sign, path) {
        return None;
    }
    Some(Piece {
        start,
        name: sign + last + 1,
        end,
    })
}

/// Whether a name that can't end before a root stands before this slash.
fn goes_on_from_name(text: &[u8], sign: usize) -> bool {
    before(text, sign)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !(matches!(before(text, sign), Some(b'n' | b'r' | b't')) && ends_escape(text, sign - 1))
}

/// Where the path begins, if this slash is the first of an absolute path.
fn unix_start(text: &[u8], sign: usize) -> Option<usize> {
    let next = text.get(sign + 1)?;
    match before(text, sign) {
        // `file:///srv/a` and `file://host/a`; the slashes of other addresses are theirs.
        Some(b':') if *next == b'/' => {
            let scheme = run_back(text, sign - 1, 16, |byte| {
                byte.is_ascii_alphanumeric() || byte == b'+'
            });
            let is_file = matches!(
                &text[scheme..sign - 1],
                b"file" | b"vscode-file" | b"webpack" | b"sqlite" | b"jar"
            );
            is_file.then_some(scheme)
        }
        // Home folders, and relative paths are not absolute.
        Some(b'~') => Some(sign - 1),
        Some(byte) if is_component(byte) || byte == b'/' || byte == b')' || byte == b']' => {
            let escaped = matches!(byte, b'n' | b'r' | b't') && ends_escape(text, sign - 1);
            let assigned = byte == b'=' && *next != b'/';
            (escaped || assigned)
                .then_some(sign)
                .filter(|_| is_component(*next))
        }
        Some(_) | None => is_component(*next).then_some(sign),
    }
}

fn unix_end(text: &[u8], sign: usize, closing: Option<u8>) -> usize {
    if let Some(quote) = closing {
        let end = run(text, sign, PATH, |byte| {
            byte != quote && !matches!(byte, b'\n' | b'\r' | b'"' | b'\'')
        });
        // Within quotes a path may hold spaces.
        if text.get(end) == Some(&quote) {
            return end - usize::from(text[end - 1] == b'\\');
        }
    }
    let mut end = sign;
    loop {
        end = run(text, end, PATH, |byte| is_component(byte) || byte == b'/');
        let spaced = [&b" Support/"[..], b" Files/", b" Data/", b" Documents/"];
        let goes_on = text
            .get(end..)
            .is_some_and(|rest| spaced.iter().any(|word| rest.starts_with(word)))
            || is_spaced_user(text, sign, end);
        if !goes_on {
            break;
        }
        end += 1;
    }
    while end > sign + 1 && matches!(text[end - 1], b'.' | b'!' | b'=') {
        end -= 1;
    }
    end
}

/// `/Users/First Last/…`: a space in the name of a user's folder.
fn is_spaced_user(text: &[u8], sign: usize, end: usize) -> bool {
    let is_user = text[sign..end].starts_with(b"/Users/")
        && text[sign + 7..end].iter().all(|&byte| byte != b'/');
    let word = run(text, end + 1, 40, |byte| byte.is_ascii_alphanumeric());
    is_user
        && end > sign + 7
        && text.get(end) == Some(&b' ')
        && word > end + 1
        && text.get(word) == Some(&b'/')
}

/// Whether the text is but a place in a document: `/items/0/name`.
pub(super) fn is_pointer(text: &[u8]) -> bool {
    let path = text.strip_prefix(b"#").unwrap_or(text);
    let end = run(path, 0, PATH, |byte| is_component(byte) || byte == b'/');
    path.starts_with(b"/") && end == path.len() && !is_below_root(path)
}

fn is_below_root(path: &[u8]) -> bool {
    let rest = path.get(1..).unwrap_or_default();
    let first = rest.split(|&byte| byte == b'/').next().unwrap_or_default();
    ROOTS.iter().any(|root| first == root.as_bytes())
}

/// A place in a document (`/items/0/name`) or the route of a request (`GET /v1/users`) tells a caller what to mend and
/// reveals nothing of the machine. Paths below the usual folders of a system never count as such.
fn is_pointer_or_route(text: &[u8], sign: usize, path: &[u8]) -> bool {
    if is_below_root(path) {
        return false;
    }
    let head = run_back(text, sign, 24, |byte| byte != b'\n');
    let head = &text[head..sign];
    let method = [
        "GET ",
        "POST ",
        "PUT ",
        "PATCH ",
        "DELETE ",
        "HEAD ",
        "OPTIONS ",
        "route ",
        "endpoint ",
        "Cannot GET ",
    ];
    let names = [
        "instancePath: ",
        "instancePath\":\"",
        "pointer: ",
        "pointer\":\"",
        "schemaPath\":\"#",
        "at #",
        "body",
    ];
    let mut introductions = method.iter().chain(&names);
    if introductions.any(|word| head.ends_with(word.as_bytes())) {
        return true;
    }
    let rest = text.get(sign + path.len()..).unwrap_or_default();
    let rest = rest.trim_ascii_start();
    let says_rule = [
        "must ",
        "should ",
        "is required",
        "is not ",
        "is a required",
        "does not match",
        "has less",
        "has more",
    ];
    says_rule
        .iter()
        .any(|word| rest.starts_with(word.as_bytes()))
}

/// `src/tile.rs:12`: the folders of a place in a source file, and where to go on if it is none.
fn relative(text: &[u8], sign: usize) -> Result<Piece, usize> {
    let fits = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+' | b'/')
    };
    let end = run(text, sign, PATH, fits);
    let is_source = SOURCES
        .iter()
        .any(|ending| text[sign..end].ends_with(ending.as_bytes()));
    let has_line =
        text.get(end) == Some(&b':') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    let start = run_back(text, sign, 256, fits);
    let in_address = text[..start].ends_with(b":") && text[start..].starts_with(b"//");
    let last = text[sign..end].iter().rposition(|&byte| byte == b'/');
    match last {
        Some(last) if is_source && has_line && !in_address => Ok(Piece {
            start,
            name: sign + last + 1,
            end,
        }),
        Some(_) | None => Err(end.max(sign + 1)),
    }
}

/// The path in which the backslash at `sign` is the first: `C:\a\b`, `\\server\share\a`, each backslash once or twice.
fn windows(text: &[u8], sign: usize) -> Option<Piece> {
    let slashes = run(text, sign, 8, |byte| byte == b'\\') - sign;
    let drive = before(text, sign) == Some(b':')
        && sign >= 2
        && text[sign - 2].is_ascii_alphabetic()
        && !before(text, sign - 2).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let (start, separator) = if drive && slashes <= 2 {
        (sign - 2, slashes)
    } else if matches!(slashes, 2 | 4) && unc_may_start(text, sign) {
        (sign, slashes / 2)
    } else {
        return None;
    };
    let mut at = sign + slashes;
    let mut name = at;
    loop {
        let end = component_end(text, at);
        let follow = run(text, end, 3, |byte| byte == b'\\') - end;
        let is_file = end > at;
        if is_file && (follow == separator || text.get(end) == Some(&b'/')) {
            name = end + follow.max(1);
            at = name;
            if at - start > PATH {
                break;
            }
            continue;
        }
        at = end;
        break;
    }
    let end = at;
    // `C:\` alone, and `\\x` that leads nowhere, say nothing.
    let leads = name > sign + slashes || drive && end > name;
    leads.then_some(Piece { start, name, end })
}

fn unc_may_start(text: &[u8], sign: usize) -> bool {
    let free = before(text, sign).is_none_or(|byte| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'\'' | b'"' | b'`' | b'(' | b'=' | b',' | b'[' | b':')
    });
    let host = run(text, sign, 8, |byte| byte == b'\\');
    free && text
        .get(host)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'?' | b'.'))
}

fn component_end(text: &[u8], at: usize) -> usize {
    let fits = |byte: u8| {
        (is_component(byte) || matches!(byte, b'(' | b')' | b'&' | b'?')) && byte != b'*'
    };
    let mut end = run(text, at, 256, fits);
    // `Program Files\`: a space belongs to a folder's name if another separator follows soon.
    for _ in 0..3 {
        if text.get(end) != Some(&b' ') {
            break;
        }
        let next = run(text, end + 1, 64, fits);
        let goes_on = matches!(text.get(next), Some(b'\\' | b'/'))
            || text.get(next) == Some(&b' ') && has_separator_soon(text, next, fits);
        if next == end + 1 || !goes_on {
            break;
        }
        end = next;
    }
    // A closing bracket that opened outside is not of the path.
    while end > at && text[end - 1] == b')' && !text[at..end].contains(&b'(') {
        end -= 1;
    }
    end
}

fn has_separator_soon(text: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> bool {
    let next = run(text, at + 1, 64, fits);
    next > at + 1
        && text.get(next) == Some(&b'\\')
        && !has_word(text, at, b" or ")
        && !has_word(text, at, b" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::tests::cut_by;

    fn cleaned(text: &str) -> String {
        cut_by(mark, text)
    }

    #[test]
    fn only_the_last_component_stays() {
        for (text, expected) in [
            (
                "open '/srv/app/data.json' failed",
                "open 'data.json' failed",
            ),
            ("open '/Users/Ann Lee/my file.txt'", "open 'my file.txt'"),
            ("in /srv/orders/", "in orders/"),
            ("/a/b/c.txt: no such file", "c.txt: no such file"),
            ("(/srv/x.js:12:3)", "(x.js:12:3)"),
            ("see file:///srv/app/x.mjs.", "see x.mjs."),
            ("path=/etc/app/key.pem,", "path=key.pem,"),
            ("key ~/.ssh/id_rsa", "key id_rsa"),
            (r"C:\Users\bob\app\x.js:3", "x.js:3"),
            (r"C:\\Users\\bob\\x.js", "x.js"),
            (
                r"open C:\Program Files\App Data\x.dll now",
                "open x.dll now",
            ),
            (
                r"\\fs01\share\team\plan.xlsx is locked",
                "plan.xlsx is locked",
            ),
            ("C:/Users/bob/x.js", "C:x.js"),
            (r"first\n/srv/app/x.py", r"first\nx.py"),
            (
                "/Users/Ann Lee/Library/Application Support/App/log.txt missing",
                "log.txt missing",
            ),
            ("/home/水/文.txt", "文.txt"),
        ] {
            assert_eq!(cleaned(text), expected);
        }
    }

    #[test]
    fn pointers_routes_and_other_slashes_stay() {
        for text in [
            "/items/0/name must be string",
            "/user/email must match format \"email\"",
            "instancePath: /user/age",
            "GET /v1/users/7 failed with 404",
            "https://api.example.com/v1/users",
            "read/write and and/or 1/2",
            "./src/x.js and src/db/x.ts",
            "a / b // c",
            r"a\nb \d+ \\ \w",
            "/tmp is full",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }
}
