//! Everything that can be wrong with a decision point, over real sockets: no row ever permits.

use std::sync::Arc;
use std::time::Duration;

use dropgate_gate::decision::{MAX_REPLY, Reason};
use dropgate_policy::{DecisionPoint, MAX_TIMEOUT, PointSettings, Policies, RestSettings};
use rcgen::{CertificateParams, Issuer, KeyPair};
use serde_json::json;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::server::{Manner, Server, reply};
use crate::stage::{Asked, page, reason, times, tools};

const YES: &[u8] = br#"{"decision":true}"#;

/// How many questions of a row are open at once; fewer than may be.
const AT_ONCE: usize = 20;

/// A decision point that is never left alone, however often it fails.
pub(crate) fn settings(url: &str) -> PointSettings {
    PointSettings {
        url: url.to_owned(),
        timeout: MAX_TIMEOUT,
        extra_roots: Vec::new(),
        rest: RestSettings {
            failures: u32::MAX,
            ..RestSettings::default()
        },
        server: "files".to_owned(),
    }
}

pub(crate) fn asking(settings: &PointSettings) -> Policies {
    let policies = Policies::decision_point(DecisionPoint::new(settings).unwrap());
    assert_eq!(policies.learn(&page(&tools())), []);
    policies
}

/// Asks this often and gives the reasons of all denials; a permit is none.
async fn ask(policies: &Policies, times: usize) -> Vec<Option<Reason>> {
    let asked = Asked::call("read_file", &json!({"path": "/srv/a"}));
    let mut reasons = Vec::new();
    while reasons.len() < times {
        let mut open = Vec::new();
        for _ in 0..AT_ONCE.min(times - reasons.len()) {
            let (policies, asked) = (policies.clone(), asked.clone());
            open.push(tokio::spawn(async move {
                reason(&asked.awaited(&policies).await)
            }));
        }
        for one in open {
            reasons.push(one.await.unwrap());
        }
    }
    reasons
}

fn rows() -> Vec<(&'static str, Manner, Reason)> {
    use Reason::{
        DecisionPointOdd as Odd, DecisionPointTimedOut as Late,
        DecisionPointUnreachable as Unreachable, RefusedByDecisionPoint as Refused,
    };
    let say = |body: &[u8]| Manner::Say(reply(200, body));
    let head = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n").into_bytes();
    let with = |lines: &str, body: &[u8]| [head(lines), body.to_vec()].concat();
    let padded = [YES, &vec![b' '; MAX_REPLY]].concat();
    let redirect = |status: u16| {
        let line = format!(
            "HTTP/1.1 {status} Moved\r\nLocation: /elsewhere\r\nContent-Length: {}\r\n\r\n",
            YES.len()
        );
        Manner::Say([line.as_bytes(), YES].concat())
    };
    vec![
        ("no", say(br#"{"decision":false}"#), Refused),
        ("a string", say(br#"{"decision":"true"}"#), Odd),
        ("a number", say(br#"{"decision":1}"#), Odd),
        ("a bare true", say(b"true"), Odd),
        ("a quoted true", say(br#""true""#), Odd),
        ("one", say(b"1"), Odd),
        ("an empty object", say(b"{}"), Odd),
        ("null", say(b"null"), Odd),
        ("decision null", say(br#"{"decision":null}"#), Odd),
        ("an array", say(br#"[{"decision":true}]"#), Odd),
        (
            "a list of decisions",
            say(br#"{"evaluations":[{"decision":true}]}"#),
            Odd,
        ),
        ("nothing", say(b""), Odd),
        ("another case", say(br#"{"Decision":true}"#), Odd),
        (
            "a key twice",
            say(br#"{"decision":false,"decision":true}"#),
            Odd,
        ),
        (
            "the same key twice",
            say(br#"{"decision":true,"decision":true}"#),
            Odd,
        ),
        ("two values", say(br#"{"decision":true}{}"#), Odd),
        ("half a value", say(br#"{"decision":true"#), Odd),
        (
            "an odd context",
            say(br#"{"decision":true,"context":[]}"#),
            Odd,
        ),
        ("a page", say(b"<html>true</html>"), Odd),
        ("status 500", Manner::Say(reply(500, YES)), Odd),
        ("status 503", Manner::Say(reply(503, YES)), Odd),
        ("status 401", Manner::Say(reply(401, YES)), Odd),
        ("status 404", Manner::Say(reply(404, YES)), Odd),
        ("status 201", Manner::Say(reply(201, YES)), Odd),
        ("status 203", Manner::Say(reply(203, YES)), Odd),
        ("status 204", Manner::Say(reply(204, b"")), Odd),
        ("status 206", Manner::Say(reply(206, YES)), Odd),
        ("a redirect by 301", redirect(301), Odd),
        ("a redirect by 302", redirect(302), Odd),
        ("a redirect by 307", redirect(307), Odd),
        ("a redirect by 308", redirect(308), Odd),
        ("too long", say(&padded), Odd),
        (
            "endless",
            Manner::Flood(
                with(
                    "Transfer-Encoding: chunked\r\n",
                    b"11\r\n{\"decision\":true}\r\n",
                ),
                [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat(),
            ),
            Odd,
        ),
        (
            "compressed",
            Manner::Say(with(
                "Content-Encoding: gzip\r\nContent-Length: 4\r\n",
                &[0x1f, 0x8b, 8, 0],
            )),
            Odd,
        ),
        (
            "compressed by its own word",
            Manner::Say(with(
                "Content-Encoding: gzip\r\nContent-Length: 17\r\n",
                b"{\"decision\":true}",
            )),
            Odd,
        ),
        ("silence", Manner::SayAndHold(Vec::new()), Late),
        (
            "a head alone",
            Manner::SayAndHold(head("Content-Length: 17\r\n")),
            Late,
        ),
        (
            "a body that stops",
            Manner::SayAndHold(with("Content-Length: 17\r\n", br#"{"decision":true"#)),
            Late,
        ),
        (
            "a body that does not end",
            Manner::SayAndHold(with("", YES)),
            Late,
        ),
        ("a slow drip", Manner::Drip(reply(200, YES)), Late),
        (
            "continue, and no more",
            Manner::SayAndHold(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
            Late,
        ),
        ("closed at once", Manner::Say(Vec::new()), Unreachable),
        ("reset at once", Manner::Reset(Vec::new()), Unreachable),
        (
            "reset in the body",
            Manner::Reset(with("Content-Length: 18\r\n", YES)),
            Unreachable,
        ),
        (
            "closed in the body",
            Manner::Say(with("Content-Length: 18\r\n", YES)),
            Unreachable,
        ),
        (
            "a chunk cut short",
            Manner::Say(with(
                "Transfer-Encoding: chunked\r\n",
                b"11\r\n{\"decision\":true}",
            )),
            Unreachable,
        ),
        (
            "two lengths",
            Manner::Say(with("Content-Length: 17\r\nContent-Length: 18\r\n", YES)),
            Unreachable,
        ),
        (
            "not HTTP",
            Manner::Say(b"{\"decision\":true}\r\n\r\n".to_vec()),
            Unreachable,
        ),
        (
            "an endless head",
            Manner::Flood(
                b"HTTP/1.1 200 OK\r\n".to_vec(),
                b"X-A: aaaaaaaaaaaaaaaa\r\n".to_vec(),
            ),
            Unreachable,
        ),
    ]
}

#[tokio::test]
async fn no_fault_permits() {
    let times = times(20);
    for (name, manner, expected) in rows() {
        let server = Server::start(manner).await;
        let mut settings = settings(&server.url());
        if expected == Reason::DecisionPointTimedOut {
            settings.timeout = Duration::from_millis(100);
        }
        let reasons = ask(&asking(&settings), times).await;
        assert!(reasons.iter().all(Option::is_some), "{name}: {reasons:?}");
        // On a machine that has no time for it, some are late.
        let of = |reason| reasons.iter().filter(|one| **one == Some(reason)).count();
        let late = of(Reason::DecisionPointTimedOut);
        assert!(of(expected) > 0, "{name}: {reasons:?}");
        if expected != Reason::DecisionPointTimedOut {
            assert_eq!(of(expected) + late, times, "{name}: {reasons:?}");
        }
        assert_eq!(
            server.asked(),
            times,
            "{name}: nothing is asked twice or elsewhere"
        );
    }
}

/// The same stage with a good decision point, so that the rows above fail for their own reasons.
#[tokio::test]
async fn a_good_one_permits() {
    for body in [YES, br#"{"decision":true,"context":{"reason":"fine"}}"#] {
        let server = Server::start(Manner::Say(reply(200, body))).await;
        let reasons = ask(&asking(&settings(&server.url())), times(20)).await;
        assert!(reasons.iter().all(Option::is_none), "{reasons:?}");
    }
    let padded = [YES, &vec![b' '; MAX_REPLY - YES.len()]].concat();
    let server = Server::start(Manner::Say(reply(200, &padded))).await;
    assert_eq!(ask(&asking(&settings(&server.url())), 1).await, [None]);
}

#[tokio::test]
async fn nobody_there_permits_nothing() {
    let server = Server::start(Manner::Say(reply(200, YES))).await;
    let policies = asking(&settings(&server.url()));
    assert_eq!(ask(&policies, 1).await, [None]);
    drop(server);
    for reason in ask(&policies, times(20)).await {
        assert_eq!(reason, Some(Reason::DecisionPointUnreachable));
    }
    let nowhere = asking(&settings("http://nowhere.invalid/access/v1/evaluation"));
    let reasons = ask(&nowhere, 1).await;
    assert_ne!(reasons, [None]);
}

/// A certificate for this name, valid in these years, with the authority that signed it.
fn certificate(name: &str, years: std::ops::Range<i32>) -> (Arc<ServerConfig>, Vec<u8>) {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).unwrap();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    (Arc::new(config), root_certificate.pem().into_bytes())
}

#[tokio::test]
async fn only_a_trusted_certificate_is_believed() {
    let (good, root) = certificate("localhost", 2020..2099);
    let (_other, strange_root) = certificate("localhost", 2020..2099);
    let (expired, expired_root) = certificate("localhost", 2000..2001);
    let (named, named_root) = certificate("elsewhere.example", 2020..2099);
    let unreachable = Some(Reason::DecisionPointUnreachable);
    let rows = [
        ("trusted", &good, Some(root), None),
        ("unknown", &good, None, unreachable),
        (
            "of another authority",
            &good,
            Some(strange_root),
            unreachable,
        ),
        ("expired", &expired, Some(expired_root), unreachable),
        ("for another name", &named, Some(named_root), unreachable),
    ];
    for (name, config, root, expected) in rows {
        let manner = Manner::Secure(Arc::clone(config), reply(200, YES));
        let server = Server::start(manner).await;
        let mut settings = settings(&format!("https://localhost:{}/", server.address.port()));
        settings.extra_roots.extend(root);
        for reason in ask(&asking(&settings), times(20)).await {
            assert_eq!(reason, expected, "{name}");
        }
        if expected.is_some() {
            assert_eq!(server.asked(), 0, "{name}: nothing is told to a stranger");
        }
    }
    // Neither TLS to a plain server, nor the other way round.
    let plain = Server::start(Manner::Say(reply(200, YES))).await;
    let url = plain.url().replace("http:", "https:");
    let mut to_plain = settings(&url);
    to_plain.timeout = Duration::from_millis(500);
    // The server waits for a question that TLS never gets to.
    assert_ne!(ask(&asking(&to_plain), 1).await, [None]);
    let secure = Server::start(Manner::Secure(good, reply(200, YES))).await;
    assert_eq!(
        ask(&asking(&settings(&secure.url())), 1).await,
        [unreachable]
    );
}
