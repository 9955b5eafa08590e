//! What holds for the public type, one function a row.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dropgate_process::{
    Containment, Event, Exit, Force, Grace, HostWatch, Level, Process, Signal, SpawnError, Spec,
};

use crate::stage::{
    self, BOUND, Folder, Verdict, all_gone, await_line, ensure, eventually, members, script,
};

pub(crate) type Row = fn(Level) -> Verdict;

pub(crate) const ROWS: &[(&str, Row)] = &[
    ("a stop ends a busy server", busy),
    ("a drop on a plain thread ends the tree", drop_on_a_thread),
    (
        "a drop inside and after a runtime ends the tree",
        drop_around_a_runtime,
    ),
    ("a stop and a drop end grandchildren", chain),
    ("a stop ends what a leader left behind", leader_gone),
    (
        "a stop does not wait for a pipe that a daemon holds",
        pipe_held,
    ),
    (
        "a second stop and a concurrent one agree with the first",
        stop_twice,
    ),
    ("a stop that nobody waits for is completed", abandoned_wait),
    ("ten megabytes on stderr block nothing", stderr_flood),
    ("SIGKILL comes at its time and not before", kill_at_its_time),
    (
        "a server that flushes at the end of its input may finish",
        eof_flusher,
    ),
    ("a decoy beside the tree survives", decoy),
    (
        "a tree outlives the threads that made it",
        short_lived_threads,
    ),
    ("the leader's exit is told as it was", exit_codes),
    ("a program that does not exist leaves nothing", no_program),
    ("a killed guard leaves nothing", guard_killed),
    (
        "a host that ended before the spawn is told of at once",
        host_gone_before,
    ),
    (
        "a stop answers for the host's end as long as it lasts",
        stop_after_the_host,
    ),
    ("a host that lives is not told of", host_alive),
];

const SOON: Grace = Grace {
    term_after: Duration::from_millis(100),
    kill_after: Duration::from_millis(400),
};
const STUBBORN: &str = "trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done";

fn stopped_clean(stopped: &dropgate_process::Stopped) -> Verdict {
    ensure(stopped.survivors.is_empty().then_some(()), || {
        format!("{stopped:?}")
    })
}

fn busy(level: Level) -> Verdict {
    let (tree, streams) = script(level, "echo ready; while :; do :; done")?;
    await_line(streams.stdout, "ready")?;
    let all = members(&tree, 1)?;
    stopped_clean(&tree.stop(SOON))?;
    all_gone(&all)
}

fn drop_on_a_thread(level: Level) -> Verdict {
    let (tree, streams) = script(level, STUBBORN)?;
    await_line(streams.stdout, "ready")?;
    let all = members(&tree, 2)?;
    let begun = Instant::now();
    thread::spawn(move || drop(tree))
        .join()
        .map_err(|_| "the drop panicked")?;
    ensure(
        (begun.elapsed() < Duration::from_secs(1)).then_some(()),
        || format!("took {:?}", begun.elapsed()),
    )?;
    all_gone(&all)
}

fn drop_around_a_runtime(level: Level) -> Verdict {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .map_err(|error| error.to_string())
    };
    let (inside, streams) = script(level, STUBBORN)?;
    await_line(streams.stdout, "ready")?;
    let mut all = members(&inside, 2)?;
    runtime()?.block_on(async move { drop(inside) });

    let outer = runtime()?;
    let (after, streams) = outer.block_on(async { script(level, STUBBORN) })?;
    await_line(streams.stdout, "ready")?;
    all.extend(members(&after, 2)?);
    drop(outer);
    drop(after);
    all_gone(&all)
}

fn chain(level: Level) -> Verdict {
    let text = "sh -c \"trap '' TERM; echo ready; sleep 1000 & wait\"; exit $?";
    for by_drop in [false, true] {
        let (tree, streams) = script(level, text)?;
        await_line(streams.stdout, "ready")?;
        let all = members(&tree, 3)?;
        if by_drop {
            drop(tree);
        } else {
            stopped_clean(&tree.stop(SOON))?;
        }
        all_gone(&all)?;
    }
    Ok(())
}

fn leader_gone(level: Level) -> Verdict {
    let (tree, streams) = script(level, "setsid sleep 1000 <&- >&- 2>&- & echo ready; exit 5")?;
    await_line(streams.stdout, "ready")?;
    let mut exit = None;
    eventually("the leader's exit", || {
        exit = exit.or_else(|| {
            tree.take_events()
                .into_iter()
                .find_map(|event| match event {
                    Event::LeaderExited(exit) => Some(exit),
                    Event::HostDied | Event::GuardLost | Event::Empty(_) | Event::Survivors(_) => {
                        None
                    }
                })
        });
        exit.is_some()
    })?;
    let all = members(&tree, 1)?;
    let stopped = tree.stop(SOON);
    stopped_clean(&stopped)?;
    ensure(
        (stopped.leader == Some(Exit::Code(5))).then_some(()),
        || format!("{stopped:?}"),
    )?;
    all_gone(&all)
}

fn pipe_held(level: Level) -> Verdict {
    let (tree, streams) = script(
        level,
        "(trap '' TERM; sleep 1000) & echo ready; read x; exit 0",
    )?;
    let _reader_stays = await_line(streams.stdout, "ready")?;
    drop(streams.stdin);
    let begun = Instant::now();
    stopped_clean(&tree.stop(SOON))?;
    ensure(
        (begun.elapsed() < Duration::from_secs(2)).then_some(()),
        || format!("waited {:?}", begun.elapsed()),
    )
}

fn stop_twice(level: Level) -> Verdict {
    let (tree, streams) = script(level, STUBBORN)?;
    await_line(streams.stdout, "ready")?;
    let all = members(&tree, 2)?;
    let tree = Arc::new(tree);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let tree = Arc::clone(&tree);
            thread::spawn(move || tree.stop(SOON))
        })
        .collect();
    for thread in threads {
        stopped_clean(&thread.join().map_err(|_| "a stop panicked")?)?;
    }
    stopped_clean(&tree.stop(SOON))?;
    all_gone(&all)
}

fn abandoned_wait(level: Level) -> Verdict {
    let (tree, streams) = script(level, STUBBORN)?;
    await_line(streams.stdout, "ready")?;
    let all = members(&tree, 2)?;
    let tree = Arc::new(tree);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let stopping = Arc::clone(&tree);
        let wait = tokio::task::spawn_blocking(move || stopping.stop(SOON));
        // The future is dropped while the stop goes on.
        let _timed_out = tokio::time::timeout(Duration::from_millis(50), wait).await;
    });
    let gone = eventually("the tree's end", || {
        all.iter().all(|process| !process.is_alive())
    });
    runtime.shutdown_background();
    gone
}

fn stderr_flood(level: Level) -> Verdict {
    let text = "head -c 10000000 /dev/zero >&2; echo answered; read x";
    let (tree, streams) = script(level, text)?;
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        File::from(streams.stderr)
            .read_to_end(&mut all)
            .map(|_| all.len())
    });
    await_line(streams.stdout, "answered")?;
    drop(streams.stdin);
    stopped_clean(&tree.stop(SOON))?;
    let count = reader
        .join()
        .map_err(|_| "the reader panicked")?
        .map_err(|error| error.to_string())?;
    ensure((count == 10_000_000).then_some(()), || {
        format!("{count} bytes came")
    })
}

fn kill_at_its_time(level: Level) -> Verdict {
    let (tree, streams) = script(level, STUBBORN)?;
    await_line(streams.stdout, "ready")?;
    members(&tree, 2)?;
    let begun = Instant::now();
    let stopped = tree.stop(SOON);
    let took = begun.elapsed();
    stopped_clean(&stopped)?;
    ensure((stopped.force == Force::Killed).then_some(()), || {
        format!("{stopped:?}")
    })?;
    ensure(
        (took >= SOON.kill_after && took < Duration::from_secs(2)).then_some(()),
        || format!("took {took:?}"),
    )
}

fn eof_flusher(level: Level) -> Verdict {
    let folder = Folder::new()?;
    let marker = folder.0.join("marker");
    let text = format!(
        "echo ready; cat >/dev/null; sleep 0.2; echo done >{}",
        marker.display()
    );
    let (tree, streams) = script(level, &text)?;
    await_line(streams.stdout, "ready")?;
    drop(streams.stdin);
    let patient = Grace {
        term_after: BOUND,
        kill_after: BOUND,
    };
    let stopped = tree.stop(patient);
    stopped_clean(&stopped)?;
    ensure((stopped.force == Force::None).then_some(()), || {
        format!("{stopped:?}")
    })?;
    ensure(marker.exists().then_some(()), || {
        "the marker is missing".to_owned()
    })
}

fn decoy(level: Level) -> Verdict {
    // In the process group that the leader had, and with the same name.
    let (beside, streams_beside) = script(level, STUBBORN)?;
    await_line(streams_beside.stdout, "ready")?;
    let innocent = members(&beside, 2)?;
    let (tree, streams) = script(level, STUBBORN)?;
    await_line(streams.stdout, "ready")?;
    members(&tree, 2)?;
    stopped_clean(&tree.stop(SOON))?;
    // A signal to a tree that has ended must reach nobody.
    tree.signal(Signal::KILL)
        .map_err(|error| error.to_string())?;
    drop(tree);
    let alive = innocent.iter().copied().all(Process::is_alive);
    ensure(alive.then_some(()), || "the decoy died".to_owned())
}

fn short_lived_threads(level: Level) -> Verdict {
    let threads: Vec<_> = (0..8)
        .map(|_| thread::spawn(move || script(level, "echo ready; read x; echo heard")))
        .collect();
    let mut trees = Vec::new();
    for thread in threads {
        trees.push(thread.join().map_err(|_| "a spawn panicked")??);
    }
    for (tree, streams) in trees {
        let reader = await_line(streams.stdout, "ready")?;
        drop(streams.stdin);
        // The server answers, so it did not die with the thread.
        await_line(reader.into_inner().into(), "heard")?;
        drop(tree);
    }
    Ok(())
}

fn exit_codes(level: Level) -> Verdict {
    let rows = [
        ("exit 0", Exit::Code(0)),
        ("exit 77", Exit::Code(77)),
        ("kill -9 $$", Exit::Signal(9)),
    ];
    for (text, expected) in rows {
        let (tree, _streams) = script(level, text)?;
        let patient = Grace {
            term_after: BOUND,
            kill_after: BOUND,
        };
        let stopped = tree.stop(patient);
        ensure((stopped.leader == Some(expected)).then_some(()), || {
            format!("{text}: {stopped:?}")
        })?;
    }
    Ok(())
}

fn no_program(level: Level) -> Verdict {
    let missing = Spec::new("/nonexistent/program").containment(Containment::Exactly(level));
    match missing.spawn() {
        Err(SpawnError::Program { .. }) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn guard_killed(level: Level) -> Verdict {
    let (tree, streams) = script(level, "setsid sleep 1000 & trap '' TERM; echo ready; wait")?;
    await_line(streams.stdout, "ready")?;
    let all = members(&tree, 2)?;
    tree.guard().signal(Signal::KILL);
    eventually("the news of it", || {
        tree.take_events().contains(&Event::GuardLost)
    })?;
    let stopped = tree.take_over();
    stopped_clean(&stopped)?;
    stage::all_gone(&all)
}

/// A tree whose owner was started by this process, as far as it knows.
fn watched(level: Level, host: HostWatch) -> Result<dropgate_process::Spawned, String> {
    Spec::new("sh")
        .args(["-c", STUBBORN])
        .containment(Containment::Exactly(level))
        .host_watch(host)
        .spawn()
        .map_err(|error| error.to_string())
}

fn host_gone_before(level: Level) -> Verdict {
    let nobody = i32::MAX;
    let no_parent = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
    for host in [nobody, no_parent] {
        let tree = watched(level, HostWatch::StartedBy(host))?.tree;
        eventually("the news of the host's end", || {
            tree.take_events().contains(&Event::HostDied)
        })?;
        stopped_clean(&tree.stop(SOON))?;
    }
    Ok(())
}

/// Longer than the guard waits for an answer of the process that this is.
const UNHURRIED: Grace = Grace {
    term_after: Duration::from_millis(100),
    kill_after: Duration::from_millis(900),
};

fn stop_after_the_host(level: Level) -> Verdict {
    let spawned = watched(level, HostWatch::StartedBy(i32::MAX))?;
    await_line(spawned.streams.ok_or("no pipes")?.stdout, "ready")?;
    // If this is no answer the guard ends this program.
    stopped_clean(&spawned.tree.stop(UNHURRIED))
}

fn host_alive(level: Level) -> Verdict {
    let spawned = watched(level, HostWatch::parent())?;
    await_line(spawned.streams.ok_or("no pipes")?.stdout, "ready")?;
    stopped_clean(&spawned.tree.stop(SOON))?;
    ensure(
        (!spawned.tree.take_events().contains(&Event::HostDied)).then_some(()),
        || "the host lives, but its end was told".to_owned(),
    )
}
