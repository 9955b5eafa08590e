//! The table: every server meets every ending, and what is left is what its row says.

use dropgate_probe::servers::offspring::{ESCAPED, STAYING};
use dropgate_probe::servers::{AtEof, Company, SERVERS};
use dropgate_testing_servers::{Bare, Ending, HOSTILE, Muster};
use rustix::process::Signal;

use crate::client::{Client, OwnedArgs, SOON};

/// How a server of the table is brought to the state in which the ending strikes.
struct Setup {
    name: &'static str,
    args: &'static [&'static str],
    /// Processes entered in the roll before the ending.
    entered: usize,
    /// Processes alive before the ending.
    alive: usize,
    /// What shows that the server has come through an ending that left as many as before.
    alive_by: Proof,
}

#[derive(Clone, Copy)]
enum Proof {
    /// It answers a ping, or says this line when its input has ended.
    Word(&'static str),
    /// Nothing can be heard from it: it does not listen.
    Deaf,
}

const fn setup(name: &'static str, args: &'static [&'static str], entered: usize) -> Setup {
    Setup {
        name,
        args,
        entered,
        alive: entered,
        alive_by: Proof::Word(STAYING),
    }
}

const FILE: &str = "FILE";

const SETUPS: &[Setup] = &[
    setup("polite", &[], 1),
    setup("ignterm", &[], 1),
    setup("chain", &[], 3),
    setup("setsid2", &[], 2),
    Setup {
        alive: 3,
        ..setup("hop", &["20"], 21)
    },
    setup("hydra", &["40"], 5),
    setup("regicide", &["--stop-at", "2147483647"], 2),
    setup("orphaner", &[], 2),
    setup("holder", &[], 2),
    setup("fork-on-term", &[], 1),
    setup("forkbomb-lite", &["30"], 31),
    setup("slow-init", &["1"], 1),
    Setup {
        alive_by: Proof::Deaf,
        ..setup("never-init", &[], 1)
    },
    Setup {
        alive_by: Proof::Word("stream lost; spinning"),
        ..setup("epipe-spinner", &[], 1)
    },
    setup("eof-flusher", &[FILE, "1"], 1),
    Setup {
        alive_by: Proof::Deaf,
        ..setup("stopped", &[], 1)
    },
    setup("flood-stdout", &["0"], 1),
    setup("reporter", &[], 1),
    setup("counter", &[FILE], 1),
    setup("record", &[FILE], 1),
    setup("mirror", &[], 1),
];

#[test]
fn every_hostile_server_leaves_what_its_row_says() {
    assert_eq!(
        SETUPS.iter().map(|row| row.name).collect::<Vec<_>>(),
        HOSTILE.iter().map(|row| row.name).collect::<Vec<_>>(),
        "each row of the table needs its set-up"
    );
    for (setup, row) in SETUPS.iter().zip(HOSTILE) {
        for ending in Ending::ALL {
            let survivors = row
                .bare
                .survivors(ending)
                .unwrap_or_else(|| setup.args[0].parse().unwrap());
            end(setup, ending, survivors);
        }
    }
}

#[test]
fn every_scenario_server_leaves_what_its_row_says() {
    for server in SERVERS {
        let company = match server.company {
            Company::Alone => 0,
            Company::Helper | Company::Daemon => 1,
        };
        let setup = setup(server.name, &[], 1 + company);
        for ending in Ending::ALL {
            let stays = match ending {
                Ending::Eof => server.at_eof == AtEof::Stay,
                Ending::Kill => false,
                Ending::Term | Ending::Int | Ending::Hup => {
                    server.ignores.contains(&signal_of(ending).as_raw())
                }
            };
            end(&setup, ending, company + usize::from(stays));
        }
    }
}

fn end(setup: &Setup, ending: Ending, survivors: usize) {
    let cell = format!("{} at {ending:?}", setup.name);
    let mut client = start(setup);
    for place in 0..setup.entered {
        if let Err(error) = client.muster.next(SOON) {
            panic!("{cell}: process {place} was not entered: {error}");
        }
    }
    client
        .muster
        .settle(setup.alive, SOON)
        .unwrap_or_else(|error| panic!("{cell}: before: {error}"));

    match ending {
        Ending::Eof => client.close_stdin(),
        Ending::Term | Ending::Int | Ending::Hup | Ending::Kill => {
            client.signal(signal_of(ending));
        }
    }
    match leader(setup, ending, survivors) {
        Leader::Lives => prove(&mut client, setup, ending),
        Leader::Ends => drop(client.wait()),
        Leader::EndsAfter(role) => {
            assert_eq!(client.muster.next(SOON).unwrap().role, role, "{cell}");
            client.wait();
        }
    }
    client
        .muster
        .settle(survivors, SOON)
        .unwrap_or_else(|error| panic!("{cell}: after: {error}"));
}

fn start(setup: &Setup) -> Client {
    let mut client = Client::start_with(Muster::new().unwrap(), |muster| {
        let file = muster.dir().join("file").display().to_string();
        let args: Vec<&str> = [setup.name]
            .iter()
            .chain(setup.args)
            .map(|arg| if *arg == FILE { file.as_str() } else { arg })
            .collect();
        OwnedArgs::from(args.as_slice())
    });
    if setup.name != "never-init" {
        client.initialize();
    }
    if setup.name == "stopped" {
        client.await_stop();
    }
    client
}

/// What becomes of the server's own process.
enum Leader {
    Lives,
    Ends,
    /// It ends when it has started a process in this role.
    EndsAfter(&'static str),
}

fn leader(setup: &Setup, ending: Ending, survivors: usize) -> Leader {
    if setup.name == "fork-on-term" && ending == Ending::Term {
        Leader::EndsAfter(ESCAPED)
    } else if survivors == setup.alive {
        Leader::Lives
    } else {
        Leader::Ends
    }
}

/// Something must show that the server has met the ending, or being alive would prove nothing.
fn prove(client: &mut Client, setup: &Setup, ending: Ending) {
    match (setup.alive_by, ending) {
        (Proof::Word(word), Ending::Eof) => client.says(word),
        (Proof::Word(_), Ending::Term | Ending::Int | Ending::Hup | Ending::Kill) => client.ping(),
        (Proof::Deaf, Ending::Eof | Ending::Term | Ending::Int | Ending::Hup | Ending::Kill) => {}
    }
}

fn signal_of(ending: Ending) -> Signal {
    match ending {
        Ending::Term => Signal::TERM,
        Ending::Int => Signal::INT,
        Ending::Hup => Signal::HUP,
        Ending::Kill => Signal::KILL,
        Ending::Eof => panic!("the end of the input is no signal"),
    }
}

#[test]
fn survivors_are_told_apart_by_ending() {
    let after = Bare::After {
        eof: 1,
        term: 2,
        int: 3,
        hup: 4,
        kill: 5,
    };
    assert_eq!(
        Ending::ALL.map(|ending| after.survivors(ending).unwrap()),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(Bare::AsAsked.survivors(Ending::Kill), None);
}
