//! Lines, scanned as the relay scans them.

use dropgate_gate::outcome::Outcome;
use dropgate_gate::sanitize::{Answer, Asked, Profile, Sanitizer, Settings, Time, Verdict};
use dropgate_wire::{Direction, Envelope, Limits, ResponseKind, scan};
use serde_json::Value;

/// The reference in every answer.
pub(crate) const REFERENCE: &str = "L-TEST";

/// A sanitiser with these secrets.
pub(crate) fn sanitizer(profile: Profile, secrets: &[&str]) -> Sanitizer {
    let settings = Settings {
        profile,
        ..Settings::default()
    };
    Sanitizer::new(settings, secrets.iter().map(|secret| secret.as_bytes()))
}

/// A clock that never ends.
pub(crate) fn always() -> Time {
    Time::Left
}

/// The verdict on an answer to a tool call.
pub(crate) fn judge(sanitizer: &Sanitizer, line: &str, asked: Asked) -> Verdict {
    judge_in(sanitizer, line, asked, &always)
}

/// As [`judge`], with a clock.
pub(crate) fn judge_in(
    sanitizer: &Sanitizer,
    line: &str,
    asked: Asked,
    time: &dyn Fn() -> Time,
) -> Verdict {
    let scanned = scan(line.as_bytes(), &Limits::default(), Direction::FromServer);
    let Ok(Envelope::Response(response)) = scanned else {
        panic!("not a response: {line}");
    };
    let outcome = match response.kind {
        ResponseKind::Result | ResponseKind::InputRequired => Outcome::Completed,
        ResponseKind::ToolError => Outcome::ToolError,
        ResponseKind::Error => Outcome::RpcError,
    };
    let answer = Answer {
        line: line.as_bytes(),
        response: &response,
        outcome,
        asked,
        reference: Some(REFERENCE),
    };
    sanitizer.answer(&answer, time)
}

/// The message that leaves, read again.
pub(crate) fn leaving(verdict: Verdict) -> Value {
    let Verdict::Replaced(replacement) = verdict else {
        panic!("not replaced: {verdict:?}");
    };
    let line = replacement.line();
    assert!(line.ends_with(b"\n") && line.iter().filter(|&&byte| byte == b'\n').count() == 1);
    let body = &line[..line.len() - 1];
    scan(body, &Limits::default(), Direction::FromHost)
        .unwrap_or_else(|rejected| panic!("{rejected:?}: {}", String::from_utf8_lossy(line)));
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}"))
}
