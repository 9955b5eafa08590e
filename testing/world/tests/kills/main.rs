//! SIGKILL of dropgate at each of the six points of a call, and at random under many callers: a call
//! with a key runs at most once, and what is told of it is true.

mod points;
mod random;

use std::process::ExitCode;

use dropgate_testing_world::Column;
use dropgate_testing_world::checks::{Scale, begin, say};

/// Kills at each point, and at random.
struct Share {
    points: u64,
    random: u64,
}

const QUICK: Share = Share {
    points: 2,
    random: 4,
};
const SHARE: Share = Share {
    points: 12,
    random: 30,
};
const FULL: Share = Share {
    points: 200,
    random: 500,
};

fn main() -> ExitCode {
    let (mut checks, place) = match begin() {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let Some(column) = place
        .columns()
        .into_iter()
        .find(|column: &Column| column.level().is_none())
    else {
        say("can't begin: no user can be played");
        return ExitCode::FAILURE;
    };
    let soak = std::env::var("DROPGATE_SOAK").is_ok_and(|value| value == "1");
    let share = match checks.scale() {
        _any if soak => FULL,
        Scale::Quick => QUICK,
        Scale::Share | Scale::Full => SHARE,
    };
    say(&format!(
        "{} kills at each point and {} at random; DROPGATE_SOAK=1 makes them {} and {}; \
         DROPGATE_WORLD_SEED={} repeats them",
        share.points,
        share.random,
        FULL.points,
        FULL.random,
        checks.seed()
    ));
    points::play(&mut checks, &place, column, share.points);
    random::play(&mut checks, &place, column, share.random);
    checks.conclude()
}
