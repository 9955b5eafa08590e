//! `dropgate trust`: shows pinned tools, and accepts definitions that changed.

mod diff;
mod show;
pub(crate) mod store;

use std::path::Path;
use std::process::ExitCode;

use dropgate_gate::pins::Accepted;

use self::store::StoreError;
use crate::cli::{Format, TrustArgs};
use crate::{exit, output};

/// Lists, or accepts what is named.
pub(crate) fn run(args: &TrustArgs) -> ExitCode {
    match store::folder().and_then(|folder| obey(args, &folder)) {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(exit::of_store_error(&error))
        }
    }
}

fn obey(args: &TrustArgs, folder: &Path) -> Result<ExitCode, StoreError> {
    let Some(server) = &args.server else {
        let servers = store::servers(folder)?;
        if servers.is_empty() && args.format == Format::Text {
            output::print("no tools are pinned yet: `dropgate run` pins them when they are listed");
        }
        for server in servers {
            list(args.format, folder, &server)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let path = store::file(folder, server)?;
    if !path.exists() {
        let known = store::servers(folder)?.join(", ");
        output::complain(&match known.is_empty() {
            true => format!("nothing is pinned for {server:?}, nor for any other server"),
            false => format!("nothing is pinned for {server:?}; the servers are {known}"),
        });
        return Ok(ExitCode::from(exit::USAGE));
    }
    if args.tools.is_empty() && !args.all {
        list(args.format, folder, server)?;
        return Ok(ExitCode::SUCCESS);
    }
    let told = store::update(&path, |pins| {
        let all = args.all.then(|| pins.accept_all());
        let all = all.into_iter().flatten();
        let all: Vec<_> = all.map(|name| (name.to_string(), Accepted::Now)).collect();
        let named = args.tools.iter();
        let named = named.map(|name| (name.clone(), pins.accept(name)));
        all.into_iter().chain(named).collect::<Vec<_>>()
    })?;
    if told.is_empty() {
        output::print("nothing waits to be accepted");
    }
    let mut code = ExitCode::SUCCESS;
    for (name, accepted) in told {
        let name = crate::visible::visible(&name);
        match accepted {
            Accepted::Now => output::print(&format!("{name}: accepted")),
            Accepted::Already => output::print(&format!("{name}: was accepted already")),
            Accepted::NoSuchTool => {
                output::complain(&format!("{server} never listed a tool {name:?}"));
                code = ExitCode::from(exit::USAGE);
            }
        }
    }
    Ok(code)
}

fn list(format: Format, folder: &Path, server: &str) -> Result<(), StoreError> {
    let pins = store::read(&store::file(folder, server)?)?;
    match format {
        Format::Text => output::print(&show::text(server, &pins)),
        Format::Json => output::print_json(&show::server(server, &pins)),
    }
    Ok(())
}
