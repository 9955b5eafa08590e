//! A configuration that is read again while the server runs: its secrets stay those of the start.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::base::Folder;
use crate::session::{Session, Start};

const FIRST: &str = "Zk9-correct/horse battery";
const SECOND: &str = "q7-another-credential-11";
const SOON: Duration = Duration::from_secs(20);

/// A SIGHUP reads the file again, instead of ending the run.
const ORCHESTRATED: &str = "[shutdown]\nprofile = \"kubernetes\"\n";

/// Reads this configuration; what is said of it.
fn reloaded(session: &Session, folder: &Folder, configuration: &str) -> String {
    let text = format!("{ORCHESTRATED}{configuration}");
    std::fs::write(folder.path().join("dropgate.toml"), text).expect("a file");
    let before = session.stderr().len();
    session.signal_wrapper(Signal::HUP);
    let until = Instant::now() + SOON;
    loop {
        let said = session.stderr().split_off(before);
        let ends = ["configuration: read again\n", "stays in force: "];
        if ends.iter().any(|end| said.contains(end)) && said.ends_with('\n') {
            return said;
        }
        assert!(Instant::now() < until, "nothing is said: {said}");
        std::thread::yield_now();
    }
}

#[test]
fn secrets_stay_those_of_the_start_and_the_log_says_so() {
    let folder = Folder::new();
    let begun = "[secrets.API]\nenv = \"SOURCE\"\n";
    let mut session = Session::start(Start {
        folder: &folder,
        configuration: &format!("{ORCHESTRATED}{begun}"),
        variables: &[("SOURCE", FIRST), ("OTHER", SECOND)],
        stderr: None,
    });
    session.open();
    let later = "configuration: what changed in [secrets]";
    let changes = [
        // Another source, and one more secret.
        (
            "[secrets.API]\nenv = \"OTHER\"\n[secrets.MORE]\nenv = \"OTHER\"\n",
            format!("{later} holds from the next start on"),
        ),
        // A Vault that is not there: it is not asked.
        (
            "[secrets.API]\nvault = \"database/creds/app\"\n[vault]\naddress = \"http://127.0.0.1:1\"\n",
            format!("{later}, [vault] holds from the next start on"),
        ),
        ("", format!("{later} holds from the next start on")),
        (
            "[secrets.API]\nenv = \"SOURCE\"\nfile = \"a\"\n",
            "the old one stays in force: ".to_owned(),
        ),
    ];
    for (configuration, expected) in changes {
        let said = reloaded(&session, &folder, configuration);
        assert!(said.contains(&expected), "{configuration}: {said}");
        assert_eq!(session.credential("API"), FIRST, "{configuration}");
        let told = session.call("tell", &json!({"variable": "API"}));
        assert!(told.contains("[secret removed]"), "{told}");
        assert!(!told.contains(FIRST), "{told}");
    }
    let said = reloaded(&session, &folder, begun);
    assert!(!said.contains(later), "{said}");
    session.close_stdin();
    assert!(session.end().success());
}
