//! What of the secrets can be found in dropgate's processes and files: nothing while it is idle, and
//! nothing after the erasing, by root and with a debugger.

use std::io::Write as _;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::Signal;

use crate::bao::ROOT;
use crate::base::Folder;
use crate::pair::Pair;
use crate::scan::Needles;
use crate::session::{Session, Start, everything_in, wait_for_seals};
use crate::sink::{Manner, Sink};

const BY_VARIABLE: &str = "kJ8-variable/credential+with?signs";
const PASSED_ON: &str = "Tm5-passed-on-as-the-host-set-it";
/// How often a run is ended that waits half a second for a reader of its last line.
const TRIES: usize = 5;
/// What the search must find, or it would prove nothing.
const NO_SECRET: &str = "h4-plain-variable-that-stays";
const IN_A_FILE: &str = "Qx2-filed/Vr7mNb3Zt9LkPwYe5HsD";

#[test]
fn nothing_is_found_while_idle_and_nothing_after_the_end() {
    const TEST: &str = "nothing_is_found_while_idle_and_nothing_after_the_end";
    if !rustix::process::geteuid().is_root() {
        let line = format!("skipped: {TEST}: only root can read another process's memory\n");
        std::io::stderr()
            .write_all(line.as_bytes())
            .expect("stderr");
        return;
    }
    let Some(pair) = Pair::start(TEST) else {
        return;
    };
    let caught = (0..TRIES).any(|_| play(&pair) == Last::Caught);
    assert!(
        caught,
        "dropgate was gone {TRIES} times before it could be stopped"
    );
}

/// Whether the process could be looked at between its erasing and its end.
#[derive(PartialEq, Eq)]
enum Last {
    Caught,
    Missed,
}

fn play(pair: &Pair) -> Last {
    let folder = Folder::new();
    std::fs::write(folder.path().join("filed"), IN_A_FILE).expect("a file");
    let address = pair.bao.url();
    let mut collector = Sink::new(Manner::Takes);
    let configuration = format!(
        "[telemetry]\notlp = \"{}\"\n\
         [secrets.API]\nenv = \"SOURCE\"\n[secrets.FILED]\nfile = \"filed\"\ninto = \"fd\"\n{}",
        collector.address(),
        pair.configuration(&address)
    );
    // Without room in it the last line waits, and so does the end.
    let (log, stderr) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    let size = fcntl_setpipe_size(&stderr, 4096).expect("a smaller pipe");
    let mut filler = std::fs::File::from(stderr.try_clone().expect("a descriptor"));
    let mut session = Session::start(Start {
        folder: &folder,
        configuration: &configuration,
        variables: &[
            ("VAULT_TOKEN", ROOT),
            ("SOURCE", BY_VARIABLE),
            ("GITHUB_TOKEN", PASSED_ON),
            ("HARMLESS", NO_SECRET),
        ],
        stderr: Some(stderr.into()),
    });
    session.open();
    let url = session.credential("DATABASE_URL");
    std::fs::remove_file(folder.path().join("kept")).expect("a file");
    std::fs::remove_file(folder.path().join("filed")).expect("a file");
    // The rest of the address is the template, and no secret.
    let role = url
        .trim_start_matches("postgres://")
        .split('@')
        .next()
        .expect("a role");
    let needles = Needles::of(&[ROOT, BY_VARIABLE, PASSED_ON, IN_A_FILE, role]);

    let (wrapper, guard) = (session.wrapper(), session.guard());
    let visible = Needles::of(&[NO_SECRET]).found_in_memory(wrapper);
    assert!(!visible.is_empty(), "the search finds what is not hidden");
    for pid in [wrapper, guard] {
        let found = needles.found_in_memory(pid);
        assert!(found.is_empty(), "idle: {found:#?}");
        let in_core = needles.found_in_core(pid, folder.path());
        assert_eq!(in_core, 0, "pieces in the core of {pid} while idle");
        std::fs::remove_file(folder.path().join(format!("core.{pid}"))).expect("a core");
        for file in ["environ", "cmdline"] {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).expect("root reads it");
            assert_eq!(needles.found_in(&text), 0, "{file} of {pid}");
        }
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let soft = core.and_then(|line| line.split_whitespace().nth(4));
        assert_eq!(soft, Some("0"), "{limits}");
    }

    let mut said = vec![0; size];
    let read = rustix::io::read(&log, &mut said).expect("the log");
    said.truncate(read);
    filler
        .write_all(&vec![b'x'; size])
        .expect("the pipe takes its size");
    session.close_stdin();
    wait_for_seals(&folder, 1);
    if !session.stop_wrapper(wrapper) {
        return Last::Missed;
    }
    let found = needles.found_in_memory(wrapper);
    let in_core = needles.found_in_core(wrapper, folder.path());
    std::fs::remove_file(folder.path().join(format!("core.{wrapper}"))).expect("a core");
    session.signal_wrapper(Signal::CONT);
    assert!(found.is_empty(), "erased: {found:#?}");
    assert_eq!(in_core, 0, "pieces in the core after the erasing");
    drop((log, filler));
    session.end();
    assert_eq!(needles.found_in(&said), 0, "the log");
    assert!(!collector.spans().is_empty(), "the collector got spans");
    for one in collector.taken() {
        let body = one.body.to_string();
        assert_eq!(needles.found_in(body.as_bytes()), 0, "what is exported");
    }
    std::fs::remove_file(folder.path().join("dropgate.toml")).expect("a file");
    assert_eq!(
        needles.found_in(&everything_in(folder.path())),
        0,
        "the journal"
    );
    Last::Caught
}
