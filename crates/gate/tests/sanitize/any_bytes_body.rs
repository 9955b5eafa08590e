//! What holds for any bytes that a server sends; shared with the fuzz target.

use dropgate_gate::outcome::Outcome;
use dropgate_gate::sanitize::{
    Answer, Asked, Forward, Profile, Sanitizer, Settings, StderrFilter, Time, Verdict,
};
use dropgate_wire::{Direction, Envelope, Limits, edit, scan};

/// The value that never leaves.
const SECRET: &str = "tr0ub4dor&\"3";

/// Feeds the bytes to every door, with the secret in their middle, and looks for it in what leaves.
pub(crate) fn clean_any(data: &[u8]) {
    for profile in [Profile::Standard, Profile::Strict] {
        let settings = Settings {
            profile,
            ..Settings::default()
        };
        let sanitizer = Sanitizer::new(settings, [SECRET.as_bytes()]);
        let (head, tail) = data.split_at(data.len() / 2);
        stderr(&sanitizer, &[head, SECRET.as_bytes(), tail].concat());
        let text = format!(
            "{}{SECRET}{}",
            String::from_utf8_lossy(head),
            String::from_utf8_lossy(tail)
        );
        let quoted = edit::quoted(&text);
        for (before, after) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"#,
                "}]}}",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"#,
                "}]}}",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"#,
                "}}",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"#,
                "}}",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"x":"#,
                "}}",
            ),
        ] {
            let line = [before.as_bytes(), &quoted, after.as_bytes()].concat();
            let leaving = message(&sanitizer, &line);
            assert!(leaving.is_some(), "a line with a secret left as it came");
        }
        message(&sanitizer, data);
    }
}

fn stderr(sanitizer: &Sanitizer, bytes: &[u8]) {
    let mut filter = StderrFilter::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        match filter.line(sanitizer, line, &|| Time::Left) {
            Forward::Clean => assert_absent(line),
            Forward::Replaced(line) => assert_absent(&line),
            Forward::Dropped => {}
        }
    }
}

/// What leaves instead of the line, if another line does.
fn message(sanitizer: &Sanitizer, line: &[u8]) -> Option<Vec<u8>> {
    let scanned = scan(line, &Limits::default(), Direction::FromServer).ok()?;
    let verdict = match &scanned {
        Envelope::Blank => return None,
        Envelope::Request(_) => sanitizer.message(line, &|| Time::Left),
        Envelope::Notification(notification) => {
            sanitizer.notification(line, notification, &|| Time::Left)
        }
        Envelope::Response(response) => {
            let answer = Answer {
                line,
                response,
                outcome: Outcome::ToolError,
                asked: Asked::ToolCall,
                reference: Some("L-ANY"),
            };
            sanitizer.answer(&answer, &|| Time::Left)
        }
    };
    match verdict {
        Verdict::Clean => None,
        Verdict::Withheld(_) => Some(Vec::new()),
        Verdict::Replaced(replacement) => {
            let line = replacement.into_line();
            let body = line.strip_suffix(b"\n").unwrap_or(&line);
            let again = scan(body, &Limits::default(), Direction::FromServer);
            assert!(
                again.is_ok(),
                "{again:?}: {}",
                String::from_utf8_lossy(body)
            );
            assert_absent(body);
            Some(line)
        }
    }
}

fn assert_absent(bytes: &[u8]) {
    let quoted = edit::quoted(SECRET);
    for form in [SECRET.as_bytes(), &quoted[1..quoted.len() - 1]] {
        let is_there = bytes.windows(form.len()).any(|window| window == form);
        assert!(!is_there, "leaked: {}", String::from_utf8_lossy(bytes));
    }
}
