//! Servers that leave relatives: launcher chains, daemons, children that hold the streams.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};
use std::thread;

use dropgate_probe::servers::offspring::{self, Holds};
use dropgate_probe::servers::protocol::Usual;
use dropgate_probe::servers::roll::{Launch, Roll};
use dropgate_probe::servers::{AtEof, ENTRY, conclude, say};
use signal_hook::consts::SIGTERM;

use crate::manners::Deserter;
use crate::stage::{Failure, no_tools, talk, talk_and_exit};

/// Exit code of `orphaner`.
const ORPHANER: u8 = 7;

pub(crate) fn chain(launch: &Launch) -> Result<ExitCode, Failure> {
    launch.roll.enter_self("chain");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#""$0" "$@"; exit $?"#])
        .arg(std::env::current_exe()?)
        .args([ENTRY, "stubborn"]);
    launch.roll.pass_on(&mut shell);
    let status = offspring::start(&mut shell, "sh", &launch.roll)?.wait()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

pub(crate) fn setsid2(launch: &Launch) -> Result<ExitCode, Failure> {
    offspring::daemon(&launch.roll, Holds::Pipes)?;
    Ok(talk_and_exit("setsid2", launch, &mut Usual))
}

pub(crate) fn orphaner(launch: &Launch) -> Result<ExitCode, Failure> {
    offspring::daemon(&launch.roll, Holds::Nothing)?;
    let end = talk(
        "orphaner",
        launch,
        no_tools,
        &mut Deserter { code: ORPHANER },
    );
    Ok(conclude(end, AtEof::Exit))
}

pub(crate) fn holder(launch: &Launch) -> Result<ExitCode, Failure> {
    let mut child = offspring::again(offspring::Role::Rest.name(), &launch.roll)?;
    drop(offspring::start(&mut child, "holder-child", &launch.roll)?);
    Ok(talk_and_exit("holder", launch, &mut Usual))
}

pub(crate) fn fork_on_term(launch: &Launch) -> Result<ExitCode, Failure> {
    let (mut told, tell) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(SIGTERM, tell)?;
    let roll = launch.roll.clone();
    thread::Builder::new().spawn(move || on_term(&mut told, &roll))?;
    Ok(talk_and_exit("fork-on-term", launch, &mut Usual))
}

fn on_term(told: &mut UnixStream, roll: &Roll) {
    let successor = told
        .read_exact(&mut [0])
        .and_then(|()| offspring::daemon(roll, Holds::Nothing));
    std::process::exit(match successor {
        Ok(()) => 0,
        Err(error) => failed(&error),
    });
}

fn failed(error: &io::Error) -> i32 {
    say(&format!("fork-on-term: {error}"));
    1
}
