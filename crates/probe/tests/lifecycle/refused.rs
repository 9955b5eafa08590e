//! Programs about which nothing can be found out.

use std::time::Duration;

use dropgate_probe::{NotProbed, Options, Target, Why, probe};

use crate::bare::options;

pub(crate) fn no_such_program() {
    for program in [
        "/no/such/program",
        "no-such-program-anywhere",
        "./no-such-program",
    ] {
        let refusal = refusal(&[program]);
        assert!(matches!(refusal.why, Why::NotStarted { .. }), "{refusal:?}");
        let text = refusal.to_string();
        assert!(
            text.contains("at the first start")
                && text.contains("o such")
                && (text.contains("check the path") || text.contains("no folder of PATH")),
            "{text}"
        );
    }
}

pub(crate) fn ends_at_once() {
    let refusal = refusal(&["sh", "-c", "echo module not found >&2; exit 3"]);
    assert!(
        matches!(
            refusal.why,
            Why::Ended {
                code: 3,
                request: "initialize"
            }
        ),
        "{refusal:?}"
    );
    assert_eq!(refusal.stderr, ["module not found"]);
    assert!(
        refusal.to_string().ends_with("module not found"),
        "{refusal}"
    );
}

pub(crate) fn never_answers() {
    let refusal = refusal(&["sh", "-c", "echo still starting >&2; cat > /dev/null"]);
    assert!(
        matches!(
            refusal.why,
            Why::Silent {
                request: "initialize",
                over: "stdio",
                ..
            }
        ),
        "{refusal:?}"
    );
    assert_eq!(refusal.stderr, ["still starting"]);
    assert!(refusal.to_string().contains("within 2 s"), "{refusal}");
}

pub(crate) fn refuses() {
    let answer = r#"read l; echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no licence"}}'; cat"#;
    let refusal = refusal(&["sh", "-c", answer]);
    assert!(
        matches!(&refusal.why, Why::Refused { message } if message.contains("no licence")),
        "{refusal:?}"
    );
}

fn refusal(command: &[&str]) -> NotProbed {
    let target = Target {
        command: command.iter().map(Into::into).collect(),
    };
    let start_within = Duration::from_secs(2);
    probe(
        &target,
        &Options {
            start_within,
            ..options()
        },
        |_| {},
    )
    .unwrap_err()
}
