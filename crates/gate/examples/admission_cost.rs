//! What the breaker, the load limits and the deadline cost each call, on one thread.
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
use dropgate_gate::deadlines::{self, Deadlines};
use dropgate_gate::load::{Answer, Load, Rate, Slot};
use dropgate_gate::mode::Class;

const ROUNDS: usize = 21;
const CALLS: u64 = 100_000;
const IN_FLIGHT: usize = 64;
const TOOLS: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let parts: [(&str, Round); 3] = [
        ("breakers, admit and record", breakers),
        ("load, admit and give back", load),
        ("deadline, insert and remove", deadlines),
    ];
    let (mut best, mut median) = (0.0, 0.0);
    for (name, round) in parts {
        let rounds = rounds(round)?;
        best += rounds[0];
        median += rounds[ROUNDS / 2];
        print(name, rounds[0], rounds[ROUNDS / 2]);
    }
    print("together", best, median);
    let refused = rounds(refusals)?;
    print(
        "a refusal by an open breaker",
        refused[0],
        refused[ROUNDS / 2],
    );
    if best < 1000.0 {
        Ok(())
    } else {
        Err("over a microsecond a call; was this built with --release?".into())
    }
}

type Round = fn() -> Result<Duration, Box<dyn Error>>;

/// Nanoseconds a call of each round, fastest first.
fn rounds(round: Round) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut rounds = (0..ROUNDS)
        .map(|_| Ok(round()?.as_secs_f64() * 1e9 / CALLS as f64))
        .collect::<Result<Vec<f64>, Box<dyn Error>>>()?;
    rounds.sort_unstable_by(f64::total_cmp);
    Ok(rounds)
}

fn print(name: &str, best: f64, median: f64) {
    eprintln!("{name:<28} best {best:4.0} ns, median {median:4.0} ns a call");
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
    let mut deadlines: Deadlines<u64, u64> = Deadlines::new();
    let began = Instant::now();
    for call in 0..CALLS {
        deadlines.insert(call, Some(call), &limits, at(call))?;
        if call >= IN_FLIGHT as u64 {
            deadlines.remove(&(call - IN_FLIGHT as u64));
        }
        std::hint::black_box(deadlines.next_due());
    }
    Ok(began.elapsed())
}

/// A call every 10 microseconds.
fn at(call: u64) -> Duration {
    Duration::from_micros(call * 10)
}
