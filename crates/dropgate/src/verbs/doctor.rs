//! `dropgate doctor`.

use std::process::ExitCode;

use crate::cli::DoctorArgs;

pub(crate) fn run(_args: &DoctorArgs) -> ExitCode {
    ExitCode::SUCCESS
}
