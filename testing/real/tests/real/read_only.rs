//! A database that can be read and not written, under load: writes are refused soon, reads go on,
//! and the host is told once when this begins and once when it ends.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::counterparts::{Counterparts, Server};
use crate::place::Place;
use crate::postgres::Postgres;
use crate::session::{ANSWER, Ending, Run, Session, Streams};
use crate::truth::Delegation;
use crate::user::User;
use crate::verdicts::Verdicts;

/// The period of the probe: within it a broken write path is noticed, and an answer takes what a
/// loaded machine makes it take.
const NOTICED: Duration = Duration::from_millis(2000 + 500);
/// So many failures in a row, of all tools that write together.
const FAILURES: u32 = 5;
/// Calls in flight at any time.
const READS_AT_ONCE: usize = 16;
const WRITES_AT_ONCE: usize = 8;
/// Until what broke or healed must have shown.
const SHOWN: Duration = Duration::from_secs(60);

const WRITERS: [&str; 2] = ["add_note", "clear_notes"];
const READERS: [&str; 3] = ["list_notes", "count_probes", "health"];

const TOOLS: &str =
    "[tools.list_notes]\nclass = \"read\"\n[tools.count_probes]\nclass = \"read\"\n";
const PROBED: &str = "[read_only]\nprobe_tool = \"health\"\nevery = \"2s\"\n";
const COUNTED: &str = "[tools.\"*_note*\"]\nfailure_texts = [\"read-only transaction\", \
                       \"permission denied\"]\n[breaker]\nopen_for = \"1s\"\n";

/// How the write path is broken and mended.
const BREAKAGES: [(&str, &str, &str); 2] = [
    (
        "default_transaction_read_only",
        "alter system set default_transaction_read_only = on; select pg_reload_conf()",
        "alter system set default_transaction_read_only = off; select pg_reload_conf()",
    ),
    (
        "a revoked grant",
        "revoke insert, delete on notes from writer",
        "grant insert, delete on notes to writer",
    ),
];

#[test]
fn a_broken_write_path_leaves_reading() {
    let test = "a_broken_write_path_leaves_reading";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    for breakage in BREAKAGES {
        for (how, settings) in [
            ("probe", format!("{PROBED}{TOOLS}")),
            ("failures", format!("{TOOLS}{COUNTED}")),
            (
                "both, hiding",
                format!("{PROBED}mode = \"hide\"\n{TOOLS}{COUNTED}"),
            ),
        ] {
            let row = format!("{}, by {how}", breakage.0);
            verdicts.row(&row, broken_and_mended(&counterparts, breakage, &settings));
        }
    }
    verdicts.close();
}

#[test]
fn half_of_the_probes_lost_never_flaps() {
    let test = "half_of_the_probes_lost_never_flaps";
    let Some(counterparts) = Counterparts::find(test) else {
        return;
    };
    let mut verdicts = Verdicts::of(test);
    verdicts.row("every second one", half_lost(&counterparts));
    verdicts.close();
}

fn broken_and_mended(
    counterparts: &Counterparts,
    (_, breaks, mends): (&str, &str, &str),
    settings: &str,
) -> Result<String, String> {
    let place = Place::new(User::Ordinary);
    let postgres = Postgres::start(&place)?;
    let mut play = Play::start(counterparts, &place, &postgres, settings, &[])?;
    for tool in WRITERS.into_iter().chain(READERS) {
        play.session.call(tool, &json!({}))?;
    }
    play.fill();
    postgres.run(breaks)?;
    let broke = Instant::now();
    let (probed, counted) = (
        settings.contains("probe_tool"),
        settings.contains("failure_texts"),
    );
    let (first, failures) = loop {
        let (begun, written) = play.turn()?;
        match written {
            Some(Written::Refused | Written::Shut) => break (broke.elapsed(), play.failures),
            Some(Written::Failed)
                if (counted && begun.failures >= FAILURES)
                    || (probed && begun.at > broke + NOTICED) =>
            {
                return Err(format!(
                    "a write that began {:?} after the break and {} failures was not refused",
                    begun.at.duration_since(broke),
                    begun.failures
                ));
            }
            Some(Written::Failed | Written::Done) | None => {}
        }
        if broke.elapsed() > SHOWN {
            return Err("no write was refused".to_owned());
        }
    };
    while play.changes() == 0 {
        play.turn()?;
        if broke.elapsed() > SHOWN {
            return Err("nobody was told".to_owned());
        }
    }
    // The mode stays what it is, however often the other side of it is looked at.
    for _again in 0..200 {
        if play.turn()?.1 == Some(Written::Done) {
            return Err("something was written while nothing can be written".to_owned());
        }
    }
    play.settle()?;
    play.expect_changes(1)?;
    let listed = play.listed()?;
    let hides = settings.contains("hide");
    if hides == listed.iter().any(|name| WRITERS.contains(&name.as_str())) {
        return Err(format!("the list shows {listed:?}"));
    }
    play.fill();
    postgres.run(mends)?;
    let mended = Instant::now();
    while play.turn()?.1 != Some(Written::Done) || play.changes() < 2 {
        if mended.elapsed() > SHOWN {
            return Err("writing was never taken up again".to_owned());
        }
    }
    let back = mended.elapsed();
    play.settle()?;
    play.expect_changes(2)?;
    if play.listed()?.len() != WRITERS.len() + READERS.len() {
        return Err("the list is not whole again".to_owned());
    }
    let reads = play.reads;
    play.session.end(Ending::Eof, &place)?;
    Ok(format!(
        "refused after {} ms and {failures} failures, back after {} ms, {reads} of {reads} reads",
        first.as_millis(),
        back.as_millis(),
    ))
}

fn half_lost(counterparts: &Counterparts) -> Result<String, String> {
    let place = Place::new(User::Ordinary);
    let postgres = Postgres::start(&place)?;
    let settings = format!("[read_only]\nprobe_tool = \"health\"\nevery = \"500ms\"\n{TOOLS}");
    let mut play = Play::start(
        counterparts,
        &place,
        &postgres,
        &settings,
        &[("NOTES_DEAF", "2")],
    )?;
    let (_, breaks, mends) = BREAKAGES[0];
    for (changes, statement) in [(0, "select 1"), (1, breaks), (2, mends)] {
        postgres.run(statement)?;
        // So many that the mode would have flapped, had it counted lost ones.
        let from = play.probes()?;
        let until = Instant::now() + SHOWN;
        while play.probes()? < from + 16 {
            play.read()?;
            if Instant::now() > until {
                return Err("the probes have stopped".to_owned());
            }
        }
        play.expect_changes(changes)?;
    }
    let (probes, reads) = (play.probes()?, play.reads);
    play.session.end(Ending::Eof, &place)?;
    Ok(format!(
        "{probes} probes, 2 changes told, {reads} of {reads} reads"
    ))
}

/// A session with the notes.
struct Play {
    session: Session,
    reads: u32,
    writes: usize,
    /// Writes that failed since the last that did not, as far as their answers came.
    failures: u32,
    in_flight: BTreeMap<u64, Begun>,
}

/// A call in flight.
#[derive(Clone, Copy)]
struct Begun {
    act: Act,
    at: Instant,
    /// How many failures were known.
    failures: u32,
}

#[derive(Clone, Copy)]
enum Act {
    Read,
    Write,
}

/// What became of a call that writes.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    Done,
    /// By the server.
    Failed,
    /// By dropgate, which says that nothing can be written.
    Refused,
    /// By dropgate, since the breaker of the tool is open: the other tool may still write.
    Shut,
}

impl Play {
    fn start(
        counterparts: &Counterparts,
        place: &Place,
        postgres: &Postgres,
        settings: &str,
        variables: &[(&str, &str)],
    ) -> Result<Self, String> {
        let config = place.home().join("dropgate.toml");
        fs::write(&config, settings).map_err(|error| error.to_string())?;
        let mut env = counterparts.environment(place);
        env.extend(postgres.environment());
        let own = variables.iter();
        env.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let python = counterparts.path("python/client/bin/python");
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/notes.py");
        let server = Server {
            argv: vec![python.display().to_string(), program.to_owned()],
            cwd: "/".to_owned(),
            env,
        };
        let config = config.display().to_string();
        let mut session = Session::start(
            &Run {
                server: &server,
                flags: &["--config", &config],
                user: User::Ordinary,
                delegation: Delegation::Kept,
                streams: Streams::Pipes,
            },
            place,
        );
        session.open()?;
        Ok(Self {
            session,
            reads: 0,
            writes: 0,
            failures: 0,
            in_flight: BTreeMap::new(),
        })
    }

    /// A read, which must succeed whatever is broken.
    fn read(&mut self) -> Result<(), String> {
        self.reads += 1;
        self.session.call("list_notes", &json!({})).map(drop)
    }

    /// Puts as many calls in flight as there are to be.
    fn fill(&mut self) {
        for _ in 0..READS_AT_ONCE {
            self.begin(Act::Read);
        }
        for _ in 0..WRITES_AT_ONCE {
            self.begin(Act::Write);
        }
    }

    fn begin(&mut self, act: Act) {
        let begun = Begun {
            act,
            at: Instant::now(),
            failures: self.failures,
        };
        let tool = match act {
            Act::Read => "list_notes",
            Act::Write => {
                self.writes += 1;
                WRITERS[self.writes % WRITERS.len()]
            }
        };
        let id = self.session.begin_call(tool, &json!({}));
        self.in_flight.insert(id, begun);
    }

    /// Waits for the next answer and begins another call like the one that it is to. A read must
    /// have succeeded, whatever is broken.
    fn turn(&mut self) -> Result<(Begun, Option<Written>), String> {
        let ended = self.end_one()?;
        self.begin(ended.0.act);
        Ok(ended)
    }

    /// Waits for all answers.
    fn settle(&mut self) -> Result<(), String> {
        while !self.in_flight.is_empty() {
            self.end_one()?;
        }
        Ok(())
    }

    fn end_one(&mut self) -> Result<(Begun, Option<Written>), String> {
        let answer = self.session.next_answer(Instant::now() + ANSWER)?;
        let id = answer["id"].as_u64();
        let begun = id.and_then(|id| self.in_flight.remove(&id));
        let begun = begun.ok_or_else(|| format!("nobody asked for {answer}"))?;
        match begun.act {
            Act::Read if answer["result"]["isError"] == false => {
                self.reads += 1;
                Ok((begun, None))
            }
            Act::Read => Err(format!("a read was answered with {answer}")),
            Act::Write => {
                let written = written(&answer)?;
                match written {
                    Written::Done => self.failures = 0,
                    Written::Failed => self.failures += 1,
                    Written::Refused | Written::Shut => {}
                }
                Ok((begun, Some(written)))
            }
        }
    }

    /// How many probes the server was sent.
    fn probes(&mut self) -> Result<u32, String> {
        let id = self.session.begin_call("count_probes", &json!({}));
        let answer = self.session.answer(id, ANSWER)?;
        let text = answer["result"]["content"][0]["text"].as_str();
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("count_probes: {answer}"))
    }

    fn listed(&mut self) -> Result<Vec<String>, String> {
        let tools = self.session.tools()?;
        let names = tools.iter().filter_map(|tool| tool["name"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    fn changes(&self) -> usize {
        self.session.told("notifications/tools/list_changed")
    }

    fn expect_changes(&self, count: usize) -> Result<(), String> {
        match self.changes() {
            told if told == count => Ok(()),
            told => Err(format!(
                "{told} changes of the list were told instead of {count}"
            )),
        }
    }
}

/// What an answer says of a call that writes.
fn written(answer: &Value) -> Result<Written, String> {
    let result = &answer["result"];
    if result["isError"] != true {
        return Ok(Written::Done);
    }
    let outcome = &result["_meta"]["dev.dropgate/outcome"];
    if outcome["outcome"] != "not_executed" {
        return Ok(Written::Failed);
    }
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let told = outcome["degraded"]["mode"] == "read_only"
        && outcome["retry"] == "safe"
        && text.contains("list_notes")
        && !text.contains("add_note");
    if told {
        Ok(Written::Refused)
    } else if outcome["degraded"] == Value::Null {
        Ok(Written::Shut)
    } else {
        Err(format!("the refusal is {answer}"))
    }
}
