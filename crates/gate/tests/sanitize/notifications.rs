//! Log messages, progress reports, and what else a server says by itself.

use dropgate_gate::sanitize::{Fault, Profile, Sanitizer, Time, Verdict};
use dropgate_wire::{Direction, Envelope, Limits, scan};
use serde_json::json;

use crate::support::{always, leaving, sanitizer};

fn judge(sanitizer: &Sanitizer, line: &str, time: &dyn Fn() -> Time) -> Verdict {
    match scan(line.as_bytes(), &Limits::default(), Direction::FromServer) {
        Ok(Envelope::Notification(notification)) => {
            sanitizer.notification(line.as_bytes(), &notification, time)
        }
        Ok(Envelope::Request(_)) => sanitizer.message(line.as_bytes(), time),
        other => panic!("{other:?}"),
    }
}

fn log() -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {
        "level": "error", "logger": "/srv/app/main.py", "data": {"msg": "open /srv/app/x.db", "n": [1, "10.0.0.1:99"]},
    }})
    .to_string()
}

fn progress(message: &str) -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
        "progressToken": "/srv/app/token", "progress": 1, "message": message,
    }})
    .to_string()
}

#[test]
fn logs_and_progress_are_cleaned() {
    let sanitizer = sanitizer(Profile::Standard, &["s3cr3t-value"]);
    let value = leaving(judge(&sanitizer, &log(), &always));
    assert_eq!(
        value["params"],
        json!({"level": "error", "logger": "main.py", "data": {"msg": "open x.db", "n": [1, "[address removed]"]}})
    );
    let value = leaving(judge(
        &sanitizer,
        &progress("copy /srv/app/y with s3cr3t-value"),
        &always,
    ));
    assert_eq!(
        value["params"],
        json!({"progressToken": "/srv/app/token", "progress": 1, "message": "copy y with [secret removed]"})
    );
    assert_eq!(
        judge(&sanitizer, &progress("step 3 of 4"), &always),
        Verdict::Clean
    );
}

#[test]
fn other_messages_lose_exact_values_only() {
    let sanitizer = sanitizer(Profile::Standard, &["s3cr3t-value"]);
    let ask = |text: &str| {
        json!({"jsonrpc": "2.0", "id": 3, "method": "sampling/createMessage", "params": {"x": text}}).to_string()
    };
    assert_eq!(
        judge(&sanitizer, &ask("read /srv/app/y"), &always),
        Verdict::Clean
    );
    let value = leaving(judge(&sanitizer, &ask("use s3cr3t-value"), &always));
    assert_eq!(value["params"]["x"], "use [secret removed]");
    let across = r#"{"jsonrpc":"2.0","id":3,"method":"m","params":{"a":"b","c":"d"}}"#;
    let wide = crate::support::sanitizer(Profile::Standard, &[r#"{"a":"b","c":"d"}"#]);
    assert_eq!(
        judge(&wide, across, &always),
        Verdict::Withheld(Fault::Unreadable)
    );
}

#[test]
fn what_can_not_be_cleaned_loses_its_texts() {
    let up = || Time::Up;
    let sanitizer = sanitizer(Profile::Standard, &["s3cr3t-value"]);
    let value = leaving(judge(&sanitizer, &log(), &up));
    assert_eq!(
        value["params"],
        json!({"level": "error", "logger": "[message withheld]", "data": "[message withheld]"})
    );
    let value = leaving(judge(&sanitizer, &progress("x"), &up));
    assert_eq!(value["params"]["progress"], 1);
    assert_eq!(value["params"]["message"], "[message withheld]");
    let other =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a"}}"#;
    assert_eq!(
        judge(&sanitizer, other, &up),
        Verdict::Withheld(Fault::TimeUp)
    );
}
