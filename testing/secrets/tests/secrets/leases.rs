//! A leased role logs in while the server runs and is refused after each ending.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::bao::ROOT;
use crate::base::{Folder, times};
use crate::pair::Pair;
use crate::proxy::Proxy;
use crate::session::{Session, Start, wait_for_seals};

/// How soon after the ending the role must be refused.
const WITHIN: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Ending {
    Eof,
    TermInCall,
    KillWrapper,
    KillHost,
    KillGroup,
}

const ENDINGS: [Ending; 5] = [
    Ending::Eof,
    Ending::TermInCall,
    Ending::KillWrapper,
    Ending::KillHost,
    Ending::KillGroup,
];

#[test]
fn a_leased_role_is_refused_after_every_ending() {
    let Some(pair) = Pair::start("a_leased_role_is_refused_after_every_ending") else {
        return;
    };
    let address = pair.bao.url();
    for ending in ENDINGS {
        let mut all: Vec<Duration> = (0..times())
            .map(|_| play(&pair, &address, ending))
            .collect();
        all.sort_unstable();
        let (p50, most) = (all[all.len() / 2], all[all.len() - 1]);
        eprintln!(
            "{ending:?}: {} times, p50 {p50:?}, at most {most:?}",
            all.len()
        );
        assert!(most <= WITHIN, "{ending:?}: {all:?}");
    }
}

fn play(pair: &Pair, address: &str, ending: Ending) -> Duration {
    let folder = Folder::new();
    let mut session = begin(&folder, pair, address);
    let url = session.credential("DATABASE_URL");
    assert!(pair.logs_in(&url), "{ending:?}: {url} does not log in");
    let since = match ending {
        Ending::Eof => {
            session.close_stdin();
            Instant::now()
        }
        Ending::TermInCall => {
            session.send("tools/call", &json!({"name": "work", "arguments": {}}));
            session.signal_wrapper(Signal::TERM);
            let answer = session.answer();
            assert!(answer.contains("\"result\""), "{answer}");
            // While a call goes on its credentials are needed.
            Instant::now()
        }
        Ending::KillWrapper => {
            session.signal_wrapper(Signal::KILL);
            Instant::now()
        }
        Ending::KillHost => {
            session.kill_host();
            Instant::now()
        }
        Ending::KillGroup => {
            session.kill_group();
            Instant::now()
        }
    };
    let refused = pair.refused_after(&url, since);
    // Whoever still writes into the folder would keep it from being removed.
    wait_for_seals(&folder, 1);
    refused
}

#[test]
fn what_could_not_be_ended_is_reported_and_ended_by_the_next_start() {
    let Some(pair) = Pair::start("what_could_not_be_ended_is_reported_and_ended_by_the_next_start")
    else {
        return;
    };
    let proxy = Proxy::to(pair.bao.port);
    let folder = Folder::new();

    let mut first = begin(&folder, &pair, &proxy.url());
    let kept = first.credential("DATABASE_URL");
    proxy.cut();
    first.close_stdin();
    first.end();
    let report = first.report();
    assert_eq!(report["leases"], json!({"revoked": 0, "pending": 1}));
    assert!(pair.logs_in(&kept), "nothing can have ended it");
    proxy.mend();

    let mut second = begin(&folder, &pair, &proxy.url());
    pair.refused_after(&kept, Instant::now());
    let killed = second.credential("DATABASE_URL");
    assert!(pair.logs_in(&killed));
    proxy.cut();
    second.kill_group();
    second.end();
    // The closer is done when the journal has its second end.
    wait_for_seals(&folder, 2);
    assert!(pair.logs_in(&killed), "the closer could reach nobody");
    proxy.mend();

    let mut third = begin(&folder, &pair, &proxy.url());
    pair.refused_after(&killed, Instant::now());
    third.close_stdin();
    third.end();
    let report = third.report();
    assert_eq!(report["leases"], json!({"revoked": 1, "pending": 0}));
}

#[test]
fn a_short_lease_is_renewed_while_it_is_needed() {
    let Some(pair) = Pair::start("a_short_lease_is_renewed_while_it_is_needed") else {
        return;
    };
    let folder = Folder::new();
    let mut session = with_short_lease(&pair, &folder);
    let url = session.credential("DATABASE_URL");
    let begun = Instant::now();
    // Two lives of the lease; it logs in all the time.
    while begun.elapsed() < Duration::from_secs(6) {
        assert!(pair.logs_in(&url), "refused after {:?}", begun.elapsed());
    }
    let since = Instant::now();
    session.close_stdin();
    assert!(pair.refused_after(&url, since) <= WITHIN);
}

#[test]
fn a_lease_that_is_taken_away_stops_the_server() {
    let Some(pair) = Pair::start("a_lease_that_is_taken_away_stops_the_server") else {
        return;
    };
    let folder = Folder::new();
    let mut session = with_short_lease(&pair, &folder);
    pair.bao.ask(
        "PUT",
        "sys/leases/revoke-prefix/database/creds/short",
        &json!({}),
    );
    session.end();
    assert_eq!(session.report()["trigger"], "lease_lost");
    assert!(
        session.stderr().contains("not renewed"),
        "{}",
        session.stderr()
    );
}

#[test]
fn a_lease_that_is_needed_for_writing_only_leaves_reading() {
    let Some(pair) = Pair::start("a_lease_that_is_needed_for_writing_only_leaves_reading") else {
        return;
    };
    let folder = Folder::new();
    let configuration = pair.configuration(&pair.bao.url());
    let configuration = configuration
        .replace("creds/app\"", "creds/short\"\non_lost = \"read_only\"")
        + "[tools.tell]\nclass = \"read\"\n";
    let mut session = started(&folder, &configuration);
    pair.bao.ask(
        "PUT",
        "sys/leases/revoke-prefix/database/creds/short",
        &json!({}),
    );
    let until = Instant::now() + Duration::from_secs(20);
    while !session
        .stderr()
        .contains("mode: normal to read_only: lease")
    {
        assert!(Instant::now() < until, "{}", session.stderr());
        std::thread::yield_now();
    }
    let refused = session.call("fail", &json!({}));
    assert!(refused.contains("not_executed"), "{refused}");
    let answered = session.call("tell", &json!({}));
    assert!(answered.contains("it is"), "{answered}");
}

#[test]
fn a_vault_that_gives_nothing_starts_nothing() {
    let folder = Folder::new();
    let proxy = Proxy::to(9);
    proxy.cut();
    let configuration = format!(
        "[secrets.A]\nkv = \"secret/data/a\"\n[vault]\naddress = \"{}\"\n",
        proxy.url()
    );
    let mut session = start(&folder, &configuration);
    session.send("initialize", &json!({}));
    let answer = session.answer();
    assert!(answer.contains("was not started"), "{answer}");
    assert_eq!(session.end().code(), Some(69));
}

fn begin(folder: &Folder, pair: &Pair, address: &str) -> Session {
    started(folder, &pair.configuration(address))
}

fn started(folder: &Folder, configuration: &str) -> Session {
    let mut session = start(folder, configuration);
    let answer = session.open();
    assert!(
        answer.contains("telltale"),
        "{answer}; {}",
        session.stderr()
    );
    session
}

fn start(folder: &Folder, configuration: &str) -> Session {
    Session::start(Start {
        folder,
        configuration,
        variables: &[("VAULT_TOKEN", ROOT)],
        stderr: None,
    })
}

/// A server that runs with a lease of seconds.
fn with_short_lease(pair: &Pair, folder: &Folder) -> Session {
    let configuration = pair.configuration(&pair.bao.url());
    started(folder, &configuration.replace("creds/app", "creds/short"))
}
