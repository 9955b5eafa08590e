//! What the gate costs each call, on one thread: the breaker, the load limits and the deadline, and
//! with a small call's decision and answer also those.
//!
//! ```text
//! cargo run --release -p dropgate-gate --example admission_cost
//! ```
//!
//! A hundred tools take turns and 64 calls are in flight, so that each call is admitted by both of
//! its breakers, gets a slot under a rate, gets a deadline and a progress token, and gives all of
//! it back 64 calls later. Of 21 rounds the best and the median are printed; on a busy machine the
//! best is nearer to the truth.

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, Instant};

use dropgate_gate::breaker::{
    self, Admission, Attempt, Breakers, Command, Pass, Probing, Scope, Verdict,
};
use dropgate_gate::call as calls;
use dropgate_gate::deadlines::{self, Deadlines};
use dropgate_gate::decision::{Answers, Authority, Decision, Principal, decide};
use dropgate_gate::load::{Answer, Load, Rate, Slot};
use dropgate_gate::mode::Class;
use dropgate_gate::outcome::Outcome;
use dropgate_gate::sanitize::{self, Sanitizer, Time};
use dropgate_wire::{Direction, Envelope, Limits, scan};

const ROUNDS: usize = 21;
const CALLS: u64 = 100_000;
const IN_FLIGHT: usize = 64;
const TOOLS: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let admission: [(&str, Round); 3] = [
        ("breakers, admit and record", breakers),
        ("load, admit and give back", load),
        ("deadline, insert and remove", deadlines),
    ];
    let admitted = together(&admission)?;
    report("together", &admitted);
    report("a refusal by an open breaker", &rounds(refusals)?);
    let small_call: [(&str, Round); 3] = [
        ("local-owner, decide", decisions),
        ("breakers, admit and record", breakers),
        ("sanitiser, 200 bytes of result", results),
    ];
    let small = together(&small_call)?;
    report("together", &small);
    let small: Vec<f64> = small.iter().map(|ns| ns / 1e3).collect();
    eprintln!("small call, us by round: {small:.4?}");
    if best(&admitted) >= 1000.0 {
        return Err("over a microsecond to admit a call; was this built with --release?".into());
    }
    if best(&small) >= 5.0 {
        return Err(
            "over five microseconds for a small call; was this built with --release?".into(),
        );
    }
    Ok(())
}

type Round = fn() -> Result<Duration, Box<dyn Error>>;

/// Nanoseconds a call of all parts together, round by round.
fn together(parts: &[(&str, Round)]) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut sums = vec![0.0; ROUNDS];
    for (name, part) in parts {
        let rounds = rounds(*part)?;
        report(name, &rounds);
        for (sum, round) in sums.iter_mut().zip(rounds) {
            *sum += round;
        }
    }
    Ok(sums)
}

/// Nanoseconds a call of each round.
fn rounds(round: Round) -> Result<Vec<f64>, Box<dyn Error>> {
    (0..ROUNDS)
        .map(|_| Ok(round()?.as_secs_f64() * 1e9 / CALLS as f64))
        .collect()
}

fn best(rounds: &[f64]) -> f64 {
    rounds.iter().copied().fold(f64::INFINITY, f64::min)
}

fn report(name: &str, rounds: &[f64]) {
    let mut sorted = rounds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(ROUNDS / 2).copied().unwrap_or_default();
    let best = best(rounds);
    eprintln!("{name:<32} best {best:4.0} ns, median {median:4.0} ns a call");
}

fn decisions() -> Result<Duration, Box<dyn Error>> {
    let principal = Principal::local();
    let began = Instant::now();
    for _ in 0..CALLS {
        let principal = std::hint::black_box(&principal);
        match decide(Authority::LocalOwner, principal, Answers::none()) {
            Decision::Allow(permit) => drop(std::hint::black_box(permit)),
            Decision::Deny(denial) => return Err(format!("denied: {denial:?}").into()),
        }
    }
    Ok(began.elapsed())
}

/// A result that has nothing to hide, looked through for eight secret values.
fn results() -> Result<Duration, Box<dyn Error>> {
    let secrets = (0..8).map(|number| format!("s3cr3t-v4lue-{number}-{}", number * 7919));
    let secrets: Vec<String> = secrets.collect();
    let sanitizer = Sanitizer::new(
        sanitize::Settings::default(),
        secrets.iter().map(|secret| secret.as_bytes()),
    );
    let text = "a word ".repeat(18);
    let line = format!(
        r#"{{"jsonrpc":"2.0","id":17,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
    );
    let Ok(Envelope::Response(response)) =
        scan(line.as_bytes(), &Limits::default(), Direction::FromServer)
    else {
        return Err("not a response".into());
    };
    let answer = sanitize::Answer {
        line: line.as_bytes(),
        response: &response,
        outcome: Outcome::Completed,
        asked: sanitize::Asked::ToolCall,
        reference: None,
    };
    let began = Instant::now();
    for _ in 0..CALLS {
        match sanitizer.answer(std::hint::black_box(&answer), &|| Time::Left) {
            sanitize::Verdict::Clean => {}
            changed @ (sanitize::Verdict::Replaced(_) | sanitize::Verdict::Withheld(_)) => {
                return Err(format!("not clean: {changed:?}").into());
            }
        }
    }
    Ok(began.elapsed())
}

fn breakers() -> Result<Duration, Box<dyn Error>> {
    let names: Vec<String> = (0..TOOLS).map(|number| format!("tool_{number}")).collect();
    let settings = breaker::Settings::default();
    let mut breakers = Breakers::new(&settings, Probing::Callers, 1, Duration::ZERO);
    let attempt = Attempt {
        class: Class::Write,
        timeout: Duration::from_secs(30),
    };
    let mut passes: VecDeque<Pass> = VecDeque::new();
    let began = Instant::now();
    for call in 0..CALLS {
        let now = at(call);
        let tool = names[call as usize % TOOLS].as_str();
        match breakers.admit(Some(tool), &attempt, now).0 {
            Admission::Closed(pass) | Admission::Trial(pass) => passes.push_back(pass),
            Admission::Rejected(why) => return Err(format!("rejected: {why:?}").into()),
        }
        if passes.len() > IN_FLIGHT
            && let Some(pass) = passes.pop_front()
        {
            breakers.record(pass, Verdict::Success, Verdict::Success, now);
        }
    }
    Ok(began.elapsed())
}

fn refusals() -> Result<Duration, Box<dyn Error>> {
    let settings = breaker::Settings::default();
    let mut breakers = Breakers::new(&settings, Probing::Callers, 1, Duration::ZERO);
    let scope = Scope::Tool("tool".into());
    breakers.command(&scope, Command::ForceOpen, Duration::ZERO);
    let attempt = Attempt {
        class: Class::Write,
        timeout: Duration::from_secs(30),
    };
    let began = Instant::now();
    for call in 0..CALLS {
        match breakers.admit(Some("tool"), &attempt, at(call)).0 {
            Admission::Rejected(why) => std::hint::black_box(why),
            Admission::Closed(_) | Admission::Trial(_) => return Err("admitted".into()),
        };
    }
    Ok(began.elapsed())
}

fn load() -> Result<Duration, Box<dyn Error>> {
    let limits = dropgate_gate::load::Limits {
        max_in_flight: IN_FLIGHT as u32 + 1,
        rate: Some(Rate::per_second(1_000_000)?),
    };
    let mut load = Load::new(&limits, &[]);
    let mut slots: VecDeque<Slot> = VecDeque::new();
    let began = Instant::now();
    for call in 0..CALLS {
        match load.admit(None, at(call)) {
            Answer::Admit(slot) => slots.push_back(slot),
            Answer::Shed(why) => return Err(format!("shed: {why:?}").into()),
        }
        if slots.len() > IN_FLIGHT {
            slots.pop_front();
        }
    }
    Ok(began.elapsed())
}

fn deadlines() -> Result<Duration, Box<dyn Error>> {
    let limits = deadlines::Limits::default();
    let mut deadlines: Deadlines<u64> = Deadlines::new();
    let began = Instant::now();
    for call in 0..CALLS {
        deadlines.insert(
            calls::Slot(call as usize % (2 * IN_FLIGHT)),
            Some(call),
            &limits,
            at(call),
        )?;
        if call >= IN_FLIGHT as u64 {
            deadlines.remove(calls::Slot((call as usize - IN_FLIGHT) % (2 * IN_FLIGHT)));
        }
        std::hint::black_box(deadlines.next_due());
    }
    Ok(began.elapsed())
}

/// A call every 10 microseconds.
fn at(call: u64) -> Duration {
    Duration::from_micros(call * 10)
}
