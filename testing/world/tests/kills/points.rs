//! A life at each of the six points: dropgate is started, a call is brought to the point, dropgate is
//! killed, and the next one is asked for the same call before it gets there itself.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dropgate_testing_world::books::Ending;
use dropgate_testing_world::census::Emptied;
use dropgate_testing_world::checks::{Checks, say};
use dropgate_testing_world::endings::ANSWERED_WITHIN;
use dropgate_testing_world::{Books, Checked, Column, Dice, Place, Run, Says as _, fail};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};

/// How long something that is bound to happen may take.
const SOON: Duration = Duration::from_secs(20);
/// Kills for which the same books are kept.
const PAGE: u64 = 10;
/// How often a kill may miss its point in a row.
const MISSES: u64 = 200;

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// dropgate has not read it.
    BeforeIntent,
    /// Its intent is recorded, and it is not marked as sent.
    AfterIntent,
    /// It is marked as sent; the server has not read it.
    AfterSent,
    /// The server has carried it out and not answered.
    AfterEffect,
    /// Its outcome is recorded; no byte of its answer is with the host.
    AfterOutcome,
    /// A part of its answer is with the host.
    AfterHalfAReply,
}

const POINTS: [Point; 6] = [
    Point::BeforeIntent,
    Point::AfterIntent,
    Point::AfterSent,
    Point::AfterEffect,
    Point::AfterOutcome,
    Point::AfterHalfAReply,
];

/// What is true afterwards.
struct Truth {
    /// What the journal says; nothing where it never heard of the call.
    outcome: Option<&'static str>,
    /// How often the call has run.
    runs: usize,
    /// What whoever repeats it is told.
    repeated: Repeated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeated {
    /// It runs now.
    Runs,
    /// The recorded answer.
    Replayed,
    /// That nobody knows.
    Unknown,
}

impl Point {
    fn name(self) -> &'static str {
        match self {
            Self::BeforeIntent => "kill_before_the_intent",
            Self::AfterIntent => "kill_after_the_intent",
            Self::AfterSent => "kill_after_sent",
            Self::AfterEffect => "kill_after_the_effect",
            Self::AfterOutcome => "kill_after_the_outcome",
            Self::AfterHalfAReply => "kill_after_half_a_reply",
        }
    }

    fn tool(self) -> &'static str {
        match self {
            Self::BeforeIntent | Self::AfterIntent | Self::AfterSent => "count",
            Self::AfterEffect => "count_and_block",
            Self::AfterOutcome => "count_behind",
            Self::AfterHalfAReply => "count_at_length",
        }
    }

    fn truth(self) -> Truth {
        let (outcome, runs, repeated) = match self {
            Self::BeforeIntent => (None, 0, Repeated::Runs),
            Self::AfterIntent => (Some("not_executed"), 0, Repeated::Runs),
            Self::AfterSent => (Some("unknown"), 0, Repeated::Unknown),
            Self::AfterEffect => (Some("unknown"), 1, Repeated::Unknown),
            Self::AfterOutcome | Self::AfterHalfAReply => {
                (Some("completed"), 1, Repeated::Replayed)
            }
        };
        Truth {
            outcome,
            runs,
            repeated,
        }
    }
}

/// Plays so many kills at each point.
pub(crate) fn play(checks: &mut Checks, place: &Place, column: Column, kills: u64) {
    let seed = checks.seed();
    let told = Mutex::new(());
    let items: Vec<(String, Point)> = POINTS
        .into_iter()
        .map(|point| (point.name().to_owned(), point))
        .collect();
    checks.check_all(&items, |name, point| {
        let mut life = Life::begin(place, column, *point, name, seed)?;
        let began = Instant::now();
        while life.hits < kills {
            life.turn().map_err(|problem| {
                format!("kill {} of {}: {problem}", life.hits + 1, point.name())
            })?;
            if life.number.is_multiple_of(PAGE) {
                life.turn_page()?;
            }
        }
        life.conclude()?;
        let _one_line = told.lock();
        say(&format!(
            "{}: {} kills, {} more that missed it, {} calls, {} runs, 0 of a key twice; the next start \
             finished the journal of {} ({:.1} s)",
            point.name(),
            life.hits,
            life.misses,
            life.number,
            life.ran + life.books.counted()?.len(),
            life.left,
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    });
}

struct Life<'a> {
    place: &'a Place,
    column: Column,
    point: Point,
    name: &'a str,
    books: Books<'a>,
    /// Calls that have run, of the books before these.
    ran: usize,
    fifo: PathBuf,
    dice: Dice,
    /// The call that was last brought to the point, and where it got.
    last: Option<(Call, Point)>,
    /// How often the next start had to finish the journal.
    left: u64,
    number: u64,
    hits: u64,
    misses: u64,
    missed_in_a_row: u64,
}

/// One call, with its key, which every repetition has too.
#[derive(Clone, Debug)]
struct Call {
    number: u64,
    key: Key,
}

/// How the host names the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    InMeta,
    AmongArguments,
}

/// All calls that count may have their key among the arguments; the pause is none of them.
const CONFIG: &str = "[tools.\"count*\"]\nidempotency_key_argument = \"request_id\"\n\
                      [tools.pause]\nclass = \"read\"\n";

impl<'a> Life<'a> {
    fn begin(
        place: &'a Place,
        column: Column,
        point: Point,
        name: &'a str,
        seed: u64,
    ) -> Checked<Self> {
        let books = Books::open(place, column, CONFIG)?;
        let fifo = books.path("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::from(0o666), 0).says("a fifo")?;
        Ok(Self {
            place,
            column,
            point,
            name,
            books,
            ran: 0,
            fifo,
            dice: Dice::new(seed.wrapping_add(point as u64)),
            last: None,
            left: 0,
            number: 0,
            hits: 0,
            misses: 0,
            missed_in_a_row: 0,
        })
    }

    /// New books, so that what is read after each kill stays short.
    fn turn_page(&mut self) -> Checked {
        self.conclude()?;
        self.ran += self.books.counted()?.len();
        self.books = Books::open(self.place, self.column, CONFIG)?;
        Ok(())
    }

    /// Starts dropgate, asks for the last call again, and brings the next one to the point.
    fn turn(&mut self) -> Checked {
        let mut run = Run::start(self.place, self.name, &self.books.setup()?)?;
        run.talk.initialize(ANSWERED_WITHIN)?;
        run.know_own();
        self.repeat_last(&mut run)?;
        self.number += 1;
        let key = match self.dice.below(2) {
            0 => Key::InMeta,
            _one => Key::AmongArguments,
        };
        let call = Call {
            number: self.number,
            key,
        };
        let reached = self.strike(&mut run, &call)?;
        let since = Instant::now();
        if let Emptied::NotInTime = run.census.empty_by(since + SOON) {
            return fail(format!("survivors: {}", run.survivors()));
        }
        run.talk.read_on();
        run.talk.hear_out(SOON)?;
        if !run.talk.answers(&json!(NEW)).is_empty() {
            return fail("the host got a whole answer");
        }
        let ending = self.books.ending()?;
        if reached == self.point {
            self.hits += 1;
            self.missed_in_a_row = 0;
        } else {
            self.misses += 1;
            self.missed_in_a_row += 1;
            if self.missed_in_a_row > MISSES {
                return fail(format!("{MISSES} kills in a row missed the point"));
            }
        }
        self.ran(&call, reached.truth().runs)?;
        match ending {
            Ending::Sealed => self.judge(&call, reached)?,
            Ending::Left => self.left += 1,
        }
        self.last = Some((call, reached));
        Ok(())
    }

    /// Whoever repeats the last call learns the truth, and it never runs twice.
    fn repeat_last(&mut self, run: &mut Run) -> Checked {
        let Some((call, reached)) = self.last.take() else {
            return Ok(());
        };
        let truth = reached.truth();
        // Whatever was left, this start has finished it.
        self.judge(&call, reached)?;
        self.ask(run, AGAIN, &call)?;
        let answer = run.talk.answer(&json!(AGAIN), ANSWERED_WITHIN)?;
        let meta = &answer["result"]["_meta"];
        let found = if meta["dev.dropgate/replayed"] == json!(true) {
            Repeated::Replayed
        } else if meta["dev.dropgate/outcome"]["outcome"] == json!("unknown") {
            Repeated::Unknown
        } else if meta.is_null() && answer["result"]["content"].is_array() {
            Repeated::Runs
        } else {
            return fail(format!("repeated {call:?} at {reached:?}: {answer}"));
        };
        if found != truth.repeated {
            return fail(format!("{call:?} at {reached:?}: {found:?}, {answer}"));
        }
        let runs = match truth.repeated {
            Repeated::Runs => truth.runs + 1,
            Repeated::Replayed | Repeated::Unknown => truth.runs,
        };
        self.ran(&call, runs)
    }

    fn judge(&self, call: &Call, reached: Point) -> Checked {
        let found = self.outcome(call)?;
        if found.as_deref() == reached.truth().outcome {
            return Ok(());
        }
        fail(format!(
            "{call:?} at {reached:?}: the journal says {found:?}"
        ))
    }

    fn ran(&self, call: &Call, runs: usize) -> Checked {
        let counted = self.books.counted()?;
        let found = counted.iter().filter(|one| one["n"] == json!(call.number));
        match found.count() {
            count if count == runs => Ok(()),
            count => fail(format!("{call:?} ran {count} times, not {runs}")),
        }
    }

    /// What the journal says of a call, known by its trace.
    fn outcome(&self, call: &Call) -> Checked<Option<String>> {
        let records = self.books.records()?;
        let intent = records
            .iter()
            .find(|record| record["trace_id"] == json!(trace(call.number)));
        let Some(intent) = intent else {
            return Ok(None);
        };
        let outcomes: Vec<&Value> = records
            .iter()
            .filter(|record| record["kind"] == "outcome" && record["call"] == intent["call"])
            .collect();
        match outcomes.as_slice() {
            [one] => Ok(one["outcome"].as_str().map(str::to_owned)),
            several => fail(format!("{} outcomes of {call:?}", several.len())),
        }
    }

    fn ask(&self, run: &mut Run, id: u64, call: &Call) -> Checked {
        let (number, key) = (call.number, format!("key {}", call.number));
        let parent = format!("00-{}-0123456789abcdef-01", trace(number));
        let params = match call.key {
            Key::InMeta => json!({
                "name": self.point.tool(), "arguments": {"n": number},
                "_meta": {"traceparent": parent, "dev.dropgate/idempotencyKey": key},
            }),
            Key::AmongArguments => json!({
                "name": self.point.tool(), "arguments": {"n": number, "request_id": key},
                "_meta": {"traceparent": parent},
            }),
        };
        run.talk.ask(id, "tools/call", &params)
    }

    /// Brings a call to the point and kills dropgate there; says where it was.
    fn strike(&mut self, run: &mut Run, call: &Call) -> Checked<Point> {
        match self.point {
            Point::BeforeIntent => {
                run.stop_wrapper()?;
                self.ask(run, NEW, call)?;
            }
            Point::AfterIntent => {
                let watch = Watch::begin(&self.books)?;
                self.pause(run)?;
                self.ask(run, NEW, call)?;
                watch.await_text(&trace(call.number))?;
                run.stop_wrapper()?;
            }
            Point::AfterSent => {
                let watch = Watch::begin(&self.books)?;
                self.pause(run)?;
                self.ask(run, NEW, call)?;
                watch.await_sent(call.number)?;
                run.stop_wrapper()?;
            }
            Point::AfterEffect => {
                self.ask(run, NEW, call)?;
                self.await_counted(call)?;
            }
            Point::AfterOutcome => {
                run.talk.stop_reading()?;
                let watch = Watch::begin(&self.books)?;
                self.ask(run, NEW, call)?;
                watch.await_text("\"kind\":\"outcome\"")?;
            }
            Point::AfterHalfAReply => {
                run.talk.stop_reading()?;
                self.ask(run, NEW, call)?;
                run.talk.await_unread(SOON)?;
            }
        }
        let reached = match self.point {
            Point::AfterIntent => match Watch::is_sent(&self.books, call.number)? {
                Some(()) => Point::AfterSent,
                None => Point::AfterIntent,
            },
            other @ (Point::BeforeIntent
            | Point::AfterSent
            | Point::AfterEffect
            | Point::AfterOutcome
            | Point::AfterHalfAReply) => other,
        };
        run.signal(Signal::KILL)?;
        Ok(reached)
    }

    /// The server reads nothing after this.
    fn pause(&self, run: &mut Run) -> Checked {
        run.talk.call(
            PAUSE,
            "pause",
            &json!({"fifo": self.fifo.display().to_string()}),
        )
    }

    fn await_counted(&self, call: &Call) -> Checked {
        let until = Instant::now() + SOON;
        while self.ran(call, 1).is_err() {
            if Instant::now() > until {
                return fail("the server did not carry the call out");
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The last call is asked for once more, and the run after it ends in order.
    fn conclude(&mut self) -> Checked {
        let mut run = Run::start(self.place, self.name, &self.books.setup()?)?;
        run.talk.initialize(ANSWERED_WITHIN)?;
        self.repeat_last(&mut run)?;
        run.talk.close();
        run.ended(SOON)?;
        self.books.verify()?;
        let mut keys: Vec<u64> = self
            .books
            .counted()?
            .iter()
            .filter_map(|one| one["n"].as_u64())
            .collect();
        let runs = keys.len();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() == runs {
            Ok(())
        } else {
            fail(format!("{} keys ran {runs} times", keys.len()))
        }
    }
}

/// Ids of the requests of a run.
const AGAIN: u64 = 2;
const PAUSE: u64 = 3;
const NEW: u64 = 4;

fn trace(number: u64) -> String {
    format!("{:032x}", number + 1)
}

/// A look at the segments while they are written.
struct Watch<'a> {
    books: &'a Books<'a>,
    /// How long each was when the look began.
    from: HashMap<PathBuf, usize>,
}

impl<'a> Watch<'a> {
    fn begin(books: &'a Books<'a>) -> Checked<Self> {
        let mut from = HashMap::new();
        // A new journal has none yet.
        for path in books.segments().unwrap_or_default() {
            // Behind the lines there may be filled room.
            let length = text_of(&path)?.trim_end().len();
            from.insert(path, length);
        }
        Ok(Self { books, from })
    }

    /// Waits until a text was added.
    fn await_text(&self, text: &str) -> Checked {
        self.await_that(text, |added| added.contains(text))
    }

    /// Waits until the call with this number is marked as sent.
    fn await_sent(&self, number: u64) -> Checked {
        self.await_that("sent", |added| is_sent_in(added, number))
    }

    fn await_that(&self, what: &str, is: impl Fn(&str) -> bool) -> Checked {
        let until = Instant::now() + SOON;
        loop {
            for path in self.books.segments().unwrap_or_default() {
                let from = self.from.get(&path).copied().unwrap_or(0);
                if is(text_of(&path)?.get(from..).unwrap_or_default()) {
                    return Ok(());
                }
            }
            if Instant::now() > until {
                return fail(format!("{what:?} was not recorded"));
            }
        }
    }

    fn is_sent(books: &Books<'_>, number: u64) -> Checked<Option<()>> {
        for path in books.segments()? {
            if is_sent_in(&text_of(&path)?, number) {
                return Ok(Some(()));
            }
        }
        Ok(None)
    }
}

fn is_sent_in(text: &str, number: u64) -> bool {
    let trace = trace(number);
    let Some(intent) = text.lines().find(|line| line.contains(&trace)) else {
        return false;
    };
    let Ok(intent) = serde_json::from_str::<Value>(intent) else {
        return false;
    };
    let call = intent["call"].as_str().unwrap_or_default();
    text.lines()
        .any(|line| line.contains("\"kind\":\"sent\"") && line.contains(call))
}

/// What a segment holds; space that is set aside is none of it.
fn text_of(path: &PathBuf) -> Checked<String> {
    let bytes = fs::read(path).says(path.display())?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches('\0').to_owned())
}
