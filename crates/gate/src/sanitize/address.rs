//! Addresses inside of a network: private and loopback numbers, hosts with a port, names of internal zones.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::budget::{Budget, Fault};
use super::bytes::{before, find_in, has_word, run, run_back, starts_token};
use super::span::{Kind, Spans};

/// The longest host.
const HOST: usize = 255;

/// Ports under which services listen; a word with another number may be a place in a file or a time.
const PORTS: &[u32] = &[
    21, 22, 25, 53, 80, 88, 110, 111, 143, 389, 443, 445, 465, 587, 636, 993, 1433, 1521, 1883,
    2049, 2181, 2375, 2379, 3000, 3128, 3306, 3389, 4222, 4317, 4318, 5000, 5001, 5432, 5433, 5601,
    5671, 5672, 5984, 6333, 6379, 6380, 6432, 6443, 7474, 7687, 8000, 8001, 8008, 8080, 8081, 8086,
    8088, 8123, 8200, 8443, 8500, 8529, 8888, 9000, 9001, 9042, 9090, 9092, 9093, 9094, 9200, 9300,
    9411, 9440, 10250, 11211, 11434, 15672, 18080, 19530, 26257, 26379, 27017, 27018, 27019, 28015,
    50051, 61616,
];

/// Endings of names that only a network of one's own resolves.
const ZONES: &[&str] = &[
    ".internal",
    ".local",
    ".localdomain",
    ".lan",
    ".corp",
    ".intra",
    ".intranet",
    ".private",
    ".home.arpa",
    ".svc",
    ".cluster.local",
    ".consul",
    ".docker",
    ".test",
    ".vpc",
];

/// Endings of file names that are also seen before a number.
const FILES: &[&str] = &[
    ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".py", ".pyx", ".rb", ".go", ".rs", ".java",
    ".kt", ".cs", ".php", ".c", ".h", ".cc", ".cpp", ".hpp", ".m", ".mm", ".swift", ".scala",
    ".ex", ".exs", ".erl", ".lua", ".pl", ".sh", ".sql", ".json", ".yaml", ".yml", ".toml", ".xml",
    ".html", ".css", ".vue", ".svelte", ".md", ".txt", ".log", ".conf", ".cfg", ".ini", ".tf",
    ".proto", ".graphql", ".ipynb", ".env",
];

/// Words after which a name is that of a host.
const BEFORE_HOST: &[(&str, Trust)] = &[
    ("enotfound ", Trust::Any),
    ("eai_again ", Trust::Any),
    ("unknownhostexception: ", Trust::Any),
    ("could not resolve host: ", Trust::Any),
    ("no such host: ", Trust::Any),
    ("host=", Trust::Any),
    ("host='", Trust::Any),
    ("host=\"", Trust::Any),
    ("\"host\": \"", Trust::Any),
    ("\"host\":\"", Trust::Any),
    ("'host': '", Trust::Any),
    ("hostname=", Trust::Any),
    ("\"hostname\":\"", Trust::Any),
    ("hostname: '", Trust::Any),
    ("host: '", Trust::Any),
    ("address: '", Trust::Any),
    ("\"address\":\"", Trust::Any),
    ("host name \"", Trust::Any),
    ("hostname '", Trust::Any),
    ("hostname \"", Trust::Any),
    ("server at \"", Trust::Any),
    ("mysql server on '", Trust::Any),
    ("entry for host \"", Trust::Any),
    ("could not resolve ", Trust::Marked),
    ("lookup ", Trust::Marked),
    ("host: ", Trust::Marked),
    ("hostname: ", Trust::Marked),
    ("host \"", Trust::Marked),
    ("nodename ", Trust::Marked),
    ("econnrefused ", Trust::Marked),
    ("econnreset ", Trust::Marked),
    ("etimedout ", Trust::Marked),
    ("ehostunreach ", Trust::Marked),
    ("connecting to ", Trust::Marked),
    ("connect to ", Trust::Marked),
];

/// What a name after such words has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Any word.
    Any,
    /// Not a word of a sentence: it holds a digit, or a dash, dot or colon inside.
    Marked,
}

/// Marks addresses.
pub(super) fn mark(text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>) -> Result<(), Fault> {
    let mut at = 0;
    let mut asked = 0;
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr2(b':', b'.', rest))
    {
        let sign = at + found;
        if sign - asked > 1024 {
            budget.spend(sign - asked)?;
            asked = sign;
        }
        let found = match text[sign] {
            b':' => named(text, sign).or_else(|| ipv6(text, sign)),
            _ => ipv4(text, sign).or_else(|| zone(text, sign)),
        };
        at = match found {
            Some(found) => {
                let end = found.end;
                spans.add(found, Kind::Address);
                end.max(sign + 1)
            }
            None => sign + 1,
        };
    }
    Ok(())
}

/// Marks the names of hosts after the words that introduce them.
pub(super) fn mark_introduced(
    text: &[u8],
    spans: &mut Spans,
    budget: &mut Budget<'_>,
) -> Result<(), Fault> {
    let words = WORDS.as_ref().ok_or(Fault::Unreadable)?;
    budget.spend(text.len())?;
    for hit in words.find_iter(text) {
        let from = hit.end();
        let end = run(text, from, HOST, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        });
        let end = run_back(text, end, 3, |byte| matches!(byte, b':' | b'.'));
        let host = text.get(from..end).unwrap_or_default();
        let trust = BEFORE_HOST
            .get(hit.pattern().as_usize())
            .map(|(_, trust)| *trust);
        if trust.is_some_and(|trust| is_host(host, trust)) {
            let at = with_port(text, from..end);
            if let Some(port) = named_port(text, at.end) {
                spans.add(port, Kind::Address);
            }
            spans.add(at, Kind::Address);
        }
        budget.spend(end - from)?;
    }
    Ok(())
}

static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(BEFORE_HOST.iter().map(|(word, _)| word))
        .ok()
});

/// `port=8081` or `port: 8081` soon after a host.
fn named_port(text: &[u8], host_end: usize) -> Option<Range<usize>> {
    let word = find_in(text, host_end..text.len().min(host_end + 24), b"port")? + 4;
    let start = run(text, word, 5, |byte| !byte.is_ascii_alphanumeric());
    let end = run(text, start, 5, |byte| byte.is_ascii_digit());
    (end >= start + 2).then_some(start..end)
}

/// Whether a name after an introduction is that of a host.
fn is_host(host: &[u8], trust: Trust) -> bool {
    const WORDS: &[&str] = &[
        "is",
        "not",
        "required",
        "invalid",
        "must",
        "field",
        "unknown",
        "undefined",
        "null",
        "none",
        "name",
        "string",
    ];
    let is_word = WORDS
        .iter()
        .any(|word| host.eq_ignore_ascii_case(word.as_bytes()));
    let is_marked = host
        .iter()
        .any(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'));
    host.len() >= 2
        && host.iter().any(u8::is_ascii_alphanumeric)
        && !is_word
        && (trust == Trust::Any || is_marked)
}

/// With `:1234`, or `', port 1234`, behind it.
fn with_port(text: &[u8], at: Range<usize>) -> Range<usize> {
    let least = match text.get(at.end) {
        Some(b':') => 1,
        // Connection strings of SQL Server's.
        Some(b',') => 4,
        Some(_) | None => return at,
    };
    let sign = at.end + 1;
    let digits = run(text, sign, 6, |byte| byte.is_ascii_digit());
    if digits >= sign + least {
        at.start..digits
    } else {
        at
    }
}

fn starts_number(text: &[u8], at: usize) -> bool {
    !matches!(before(text, at), Some(b'.' | b'_' | b'0'..=b'9')) && starts_token(text, at)
}

/// A private number with or without a port, any number with a port. Its first dot is at `sign`.
fn ipv4(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let at = run_back(text, sign, 4, |byte| byte.is_ascii_digit());
    if at == sign || !text.get(sign + 1)?.is_ascii_digit() || !starts_number(text, at) {
        return None;
    }
    let end = run(text, at, 16, |byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.get(at..end)?;
    let number = number.strip_suffix(b".").unwrap_or(number);
    let address: Ipv4Addr = std::str::from_utf8(number).ok()?.parse().ok()?;
    let end = at + number.len();
    let ported = with_port(text, at..end);
    let prefix = text.get(ported.end) == Some(&b'/')
        && text.get(ported.end + 1).is_some_and(u8::is_ascii_digit);
    let ported = if prefix {
        at..run(text, ported.end + 1, 3, |byte| byte.is_ascii_digit())
    } else {
        ported
    };
    let inside = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
    // Java writes a slash before a number that it did not look up.
    let start = at
        - usize::from(
            before(text, at) == Some(b'/') && !matches!(before(text, at - 1), Some(b'/')),
        );
    (inside || ported.end > end).then_some(start..ported.end)
}

/// `[fd00::1]:5432`, `::1:5432`, `fe80::1`: the colon at `sign` is the first in it.
fn ipv6(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let start = run_back(text, sign, 4, |byte| byte.is_ascii_hexdigit());
    if before(text, start).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b':') {
        return None;
    }
    let end = run(text, sign, 48, |byte| {
        byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
    });
    let number = text.get(start..end)?;
    let number = &number[..run_back(number, number.len(), 2, |byte| matches!(byte, b'.'))];
    let bracketed =
        before(text, start) == Some(b'[') && text.get(start + number.len()) == Some(&b']');
    let (address, length) = parsed(number)?;
    let inside = address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local();
    if bracketed {
        let at = with_port(text, start - 1..start + number.len() + 1);
        return Some(at);
    }
    let has_port = length < number.len();
    (inside && (number.len() > 2 || has_port)).then_some(start..start + number.len())
}

/// The address, and how much of the text it takes if a port follows.
fn parsed(number: &[u8]) -> Option<(Ipv6Addr, usize)> {
    let text = std::str::from_utf8(number).ok()?;
    let cut = text.rfind(':')?;
    let with_port = text
        .get(cut + 1..)
        .filter(|port| {
            (3..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
        })
        .and_then(|_| text.get(..cut)?.parse().ok())
        .map(|address| (address, cut));
    with_port.or_else(|| Some((text.parse().ok()?, text.len())))
}

/// `host:port`: the colon is at `sign`.
fn named(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let end = run(text, sign + 1, 6, |byte| byte.is_ascii_digit());
    let digits = text.get(sign + 1..end)?;
    if !(2..=5).contains(&digits.len())
        || text
            .get(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    {
        return None;
    }
    let port: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let start = run_back(text, sign, HOST, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
    });
    let host = text.get(start..sign)?;
    let start = start + escape_rest(text, start);
    let host = host.get(host.len() - (sign - start)..)?;
    if host.is_empty() || !host.iter().any(u8::is_ascii_alphabetic) || port > 65535 {
        return None;
    }
    let lower = host.to_ascii_lowercase();
    if FILES
        .iter()
        .any(|ending| lower.ends_with(ending.as_bytes()))
    {
        return None;
    }
    // Another number after the port: a line and a column.
    if text.get(end) == Some(&b':') && text.get(end + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let in_address = text.get(start.saturating_sub(3)..start) == Some(b"://")
        || before(text, start) == Some(b'@');
    let is_local = lower == b"localhost";
    let is_qualified = lower.contains(&b'.') && has_zone_ending(&lower);
    let is_service = PORTS.contains(&port) && has_host_look(&lower);
    (in_address || is_local || is_qualified || is_service).then_some(start..end)
}

/// The length of an escape's letter that was taken for the first of the host.
fn escape_rest(text: &[u8], start: usize) -> usize {
    let escaped =
        before(text, start) == Some(b'\\') && matches!(text.get(start), Some(b'n' | b'r' | b't'));
    usize::from(escaped)
}

/// Whether the last part of a name is letters only, as those of domains are.
fn has_zone_ending(host: &[u8]) -> bool {
    let last = host.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    (2..=24).contains(&last.len()) && last.iter().all(u8::is_ascii_alphabetic)
}

/// A word before a usual port: not one that names a place or a measure.
fn has_host_look(host: &[u8]) -> bool {
    const NO_HOSTS: &[&str] = &[
        "line", "lines", "col", "column", "row", "error", "code", "status", "exit", "http",
        "https", "port", "errno", "at", "id", "size", "limit", "offset", "count", "version",
        "timeout", "page", "got", "max", "min", "year",
    ];
    !NO_HOSTS.iter().any(|word| host == word.as_bytes())
}

/// `name.internal`: the dot of the zone is at `sign`.
fn zone(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let zone = ZONES
        .iter()
        .find(|zone| has_word(text, sign, zone.as_bytes()))?;
    let end = sign + zone.len();
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text
        .get(end)
        .is_some_and(|&byte| goes_on(byte) || byte == b'(')
    {
        return None;
    }
    // `.svc.cluster.local` ends later.
    if text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(|&byte| goes_on(byte)) {
        return None;
    }
    let start = run_back(text, sign, HOST, |byte| goes_on(byte) || byte == b'.');
    let start = start + escape_rest(text, start);
    // A name with capitals is one of code: `java.internal` and `System.Private` are told apart by what stands around.
    let is_name = start < sign
        && !text[start..sign].iter().any(u8::is_ascii_uppercase)
        && !text[start..sign].starts_with(b".")
        && !text[start..sign].starts_with(b"google");
    let is_file = before(text, start).is_some_and(|byte| matches!(byte, b'/' | b'\\'))
        && text.get(start.saturating_sub(3)..start) != Some(b"://");
    (is_name && !is_file).then(|| with_port(text, start..end))
}

/// Marks `port 5432` after a host that was named.
pub(super) fn mark_port_words(text: &[u8], spans: &mut Spans) {
    let mut from = 0;
    while let Some(found) = find_in(text, from..text.len(), b"port ") {
        let digits = run(text, found + 5, 5, |byte| byte.is_ascii_digit());
        let quoted = before(text, found) == Some(b' ')
            && matches!(before(text, found - 1), Some(b',' | b')' | b'"'));
        if digits >= found + 7 && quoted {
            spans.add(found + 5..digits, Kind::Address);
        }
        from = found + 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::tests::cut_by;

    fn cleaned(text: &str) -> String {
        let all = |text: &[u8], spans: &mut Spans, budget: &mut Budget<'_>| {
            mark(text, spans, budget)?;
            mark_introduced(text, spans, budget)?;
            mark_port_words(text, spans);
            Ok(())
        };
        cut_by(all, text)
    }

    #[test]
    fn inner_addresses_go() {
        for (text, expected) in [
            (
                "connect ECONNREFUSED 10.20.30.40:5432",
                "connect ECONNREFUSED [address removed]",
            ),
            (
                "connect ECONNREFUSED ::1:5432",
                "connect ECONNREFUSED [address removed]",
            ),
            (
                "dial tcp [fd00::12]:6379: refused",
                "dial tcp [address removed]: refused",
            ),
            ("to /10.0.0.5:8080 failed", "to [address removed] failed"),
            ("at 203.0.113.9:443.", "at [address removed]."),
            ("subnet 10.1.0.0/16 full", "subnet [address removed] full"),
            (
                "getaddrinfo ENOTFOUND db-primary",
                "getaddrinfo ENOTFOUND [address removed]",
            ),
            (
                "http://inventory:8080/items",
                "http://[address removed]/items",
            ),
            (
                "redis.cache.svc.cluster.local down",
                "[address removed] down",
            ),
            ("db.corp.internal:5432 gone", "[address removed] gone"),
            (
                "api.example.com:8443 timed out",
                "[address removed] timed out",
            ),
            ("localhost:3000", "[address removed]"),
            (
                "connection to server at \"db-1\" (10.0.0.5), port 5432 failed",
                "connection to server at \"[address removed]\" ([address removed]), port [address removed] failed",
            ),
            (r"first\ndb:5432", r"first\n[address removed]"),
        ] {
            assert_eq!(cleaned(text), expected);
        }
    }

    #[test]
    fn places_times_and_public_hosts_stay() {
        for text in [
            "index.js:118:9 and orders.py:42 and main.go:10",
            "line 12:30, col:22, at 10:15:30",
            "https://api.example.com/v1/users",
            "version 1.2.3.4567 or 8.8.8.8",
            "error:500 code:404",
            "std::fmt::Display a::b",
            "host: must be a string",
            "java.internal.Foo and System.Private.CoreLib",
            "user_id:12345",
        ] {
            assert_eq!(cleaned(text), text);
        }
    }
}
