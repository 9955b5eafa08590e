//! A decision point that works: what it is told, how long and how often it is asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dropgate_gate::decision::Reason;
use dropgate_policy::{
    Answer, DecisionPoint, MAX_ARGUMENTS, MAX_OPEN, MAX_TIMEOUT, Policies, RestSettings,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::faults::{asking, settings};
use crate::server::{Manner, Server, reply};
use crate::stage::{Asked, cedar, file, page, reason, times, tools};

const YES: &[u8] = br#"{"decision":true}"#;

/// The most that anything here is waited for.
const BOUND: Duration = Duration::from_secs(20);

fn ping() -> Asked {
    Asked::call("ping", &json!({}))
}

#[tokio::test]
async fn a_question_is_written_as_authzen_has_it() {
    let server = Server::start(Manner::Say(reply(200, YES))).await;
    let policies = asking(&settings(&server.url()));
    let mut asked = Asked::call("read_file", &json!({}));
    // Forwarded as written: neither the number nor the order changes.
    asked.arguments = Some(br#"{"path":"/srv/a","n":1.10e2,"a":[]}"#.to_vec());
    assert_eq!(reason(&asked.awaited(&policies).await), None);
    let request = String::from_utf8(server.last()).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /access/v1/evaluation http/1.1"),
        "{head}"
    );
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(!head.contains("accept-encoding"), "{head}");
    assert!(
        body.contains(r#""arguments":{"path":"/srv/a","n":1.10e2,"a":[]}"#),
        "{body}"
    );
    let mut body: Value = serde_json::from_str(body).unwrap();
    body["context"]["arguments"] = Value::Null;
    assert_eq!(
        body,
        json!({
            "subject": {"type": "user", "id": "local"},
            "action": {"name": "tools/call"},
            "resource": {"type": "tool", "id": "read_file", "properties": {"server": "files"}},
            "context": {
                "class": "write",
                "read_only": false,
                "unix_time": 1_700_000_000,
                "arguments": null,
                "untrusted_annotations": {"readOnlyHint": true},
            },
        })
    );
}

#[tokio::test]
async fn what_can_not_be_sent_whole_is_not_sent() {
    let server = Server::start(Manner::Say(reply(200, YES))).await;
    let policies = asking(&settings(&server.url()));
    let empty = json!({"path": ""}).to_string().len();
    let sized =
        |length: usize| Asked::call("read_file", &json!({"path": "x".repeat(length - empty)}));
    let most = sized(MAX_ARGUMENTS).awaited(&policies).await;
    assert_eq!(reason(&most), None);
    let more = sized(MAX_ARGUMENTS + 1).awaited(&policies).await;
    assert_eq!(reason(&more), Some(Reason::ArgumentsTooLarge));
    let mut twice = ping();
    twice.arguments = Some(br#"{"a":1,"a":2}"#.to_vec());
    assert_eq!(
        reason(&twice.awaited(&policies).await),
        Some(Reason::Internal)
    );
    let unlisted = Asked::call("rm", &json!({})).awaited(&policies).await;
    assert_eq!(reason(&unlisted), Some(Reason::UnknownTool));
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_local_no_is_not_asked_about() {
    let server = Server::start(Manner::Say(reply(200, YES))).await;
    let point = DecisionPoint::new(&settings(&server.url())).unwrap();
    let local = r#"
        permit (principal, action, resource);
        forbid (principal, action == Action::"read_file", resource);
    "#;
    let policies = Policies::both(cedar(local), point);
    policies.learn(&page(&tools()));
    let read = Asked::call("read_file", &json!({"path": "/"}));
    assert_eq!(read.of(&policies), Some(Reason::ForbiddenByPolicy));
    assert_eq!(server.asked(), 0);
    assert_eq!(reason(&ping().awaited(&policies).await), None);
    assert_eq!(server.asked(), 1);

    let no = Server::start(Manner::Say(reply(200, br#"{"decision":false}"#))).await;
    let point = DecisionPoint::new(&settings(&no.url())).unwrap();
    let policies = Policies::both(cedar(local), point);
    policies.learn(&page(&tools()));
    let refused = ping().awaited(&policies).await;
    assert_eq!(reason(&refused), Some(Reason::RefusedByDecisionPoint));
}

#[tokio::test]
async fn policies_that_change_while_a_decision_point_thinks_are_asked_again() {
    let permit = "permit (principal, action, resource);";
    for change in ["forbid", "unlist", "nothing"] {
        for _ in 0..times(20) {
            let gate = Arc::new(Semaphore::new(0));
            let manner = Manner::Wait(Arc::clone(&gate), reply(200, YES));
            let server = Server::start(manner).await;
            let point = DecisionPoint::new(&settings(&server.url())).unwrap();
            let policies = Policies::both(cedar(permit), point);
            policies.learn(&page(&tools()));
            let asked = ping();
            let Answer::Later(pending) = policies.decide(&asked.question()) else {
                panic!("decided at once")
            };
            let expected = match change {
                "forbid" => {
                    let forbid = file("forbid (principal, action, resource);");
                    policies.replace(&[forbid], Duration::ZERO).unwrap();
                    Some(Reason::ForbiddenByPolicy)
                }
                "unlist" => {
                    policies.learn(&page(&json!([{"name": "other"}])));
                    Some(Reason::UnknownTool)
                }
                _ => None,
            };
            gate.add_permits(1);
            assert_eq!(reason(&pending.await), expected, "{change}");
        }
    }
}

#[tokio::test]
async fn the_number_of_open_questions_is_bounded_and_dropping_one_frees_its_place() {
    let gate = Arc::new(Semaphore::new(0));
    let manner = Manner::Wait(Arc::clone(&gate), reply(200, YES));
    let server = Server::start(manner).await;
    let policies = asking(&settings(&server.url()));
    let mut open = tokio::task::JoinSet::new();
    for _ in 0..MAX_OPEN {
        let policies = policies.clone();
        open.spawn(async move { reason(&ping().awaited(&policies).await) });
    }
    let all_asked = async {
        while server.asked() < MAX_OPEN {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, all_asked).await.unwrap();
    let one_more = ping().awaited(&policies).await;
    assert_eq!(reason(&one_more), Some(Reason::DecisionPointBusy));
    open.shutdown().await;
    gate.add_permits(MAX_OPEN);
    assert_eq!(reason(&ping().awaited(&policies).await), None);
}

#[tokio::test]
async fn a_failing_decision_point_is_left_alone_for_a_while() {
    let server = Server::start(Manner::Say(reply(500, YES))).await;
    let mut settings = settings(&server.url());
    settings.rest = RestSettings::default();
    let policies = asking(&settings);
    for _ in 0..5 {
        let denied = ping().awaited(&policies).await;
        assert_eq!(reason(&denied), Some(Reason::DecisionPointOdd));
    }
    let before = Instant::now();
    for _ in 0..100 {
        let denied = ping().awaited(&policies).await;
        assert_eq!(reason(&denied), Some(Reason::DecisionPointResting));
    }
    // The first rest is five seconds, so none of this waited for it.
    if before.elapsed() < Duration::from_secs(4) {
        assert_eq!(server.asked(), 5);
    }
}

#[tokio::test]
async fn a_trial_after_the_rest_ends_it() {
    let server = Server::start(Manner::Say(reply(500, YES))).await;
    let mut settings = settings(&server.url());
    settings.rest = RestSettings {
        failures: 1,
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
    };
    let policies = asking(&settings);
    assert_eq!(
        reason(&ping().awaited(&policies).await),
        Some(Reason::DecisionPointOdd)
    );
    // However often it rests, it is asked again.
    let asked_again = async {
        while server.asked() < 5 {
            let _denied = ping().awaited(&policies).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, asked_again).await.unwrap();
}

#[test]
fn settings_that_would_not_be_bounded_are_refused() {
    let good = settings("http://127.0.0.1:1/");
    assert!(DecisionPoint::new(&good).is_ok());
    for timeout in [Duration::ZERO, MAX_TIMEOUT + Duration::from_millis(1)] {
        let mut bad = good.clone();
        bad.timeout = timeout;
        assert!(DecisionPoint::new(&bad).is_err(), "{timeout:?}");
    }
    for url in [
        "",
        "127.0.0.1:9000",
        "ftp://x/",
        "http://",
        "file:///etc/passwd",
        "unix:/x",
    ] {
        let mut bad = good.clone();
        bad.url = url.to_owned();
        assert!(DecisionPoint::new(&bad).is_err(), "{url}");
    }
    let mut bad = good.clone();
    bad.url = "https://127.0.0.1:1/".to_owned();
    bad.extra_roots = vec![b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----".to_vec()];
    assert!(DecisionPoint::new(&bad).is_err());
}
