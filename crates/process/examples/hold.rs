//! Holds one program and stops it when standard input ends.
use std::io::Read as _;
use std::time::Duration;

use dropgate_process::{Containment, Grace, Spec, run_if_guard};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // First of all: the guard is this same program, executed again.
    run_if_guard();
    let mut arguments = std::env::args().skip(1);
    let containment: Containment = arguments.next().unwrap_or_default().parse()?;
    let program = arguments
        .next()
        .ok_or("usage: hold LEVEL PROGRAM [ARGUMENTS]")?;
    let spawned = Spec::new(program)
        .args(arguments)
        .containment(containment)
        .spawn()?;
    eprintln!(
        "held at {} ({:?})",
        spawned.tree.level(),
        spawned.tree.skipped()
    );
    eprintln!("members {:?}", spawned.tree.survivors());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(spawned.streams);
    let stopped = spawned.tree.stop(Grace {
        term_after: Duration::from_millis(500),
        kill_after: Duration::from_secs(1),
    });
    eprintln!("{stopped:?}");
    Ok(())
}
