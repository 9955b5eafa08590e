//! Exit codes: documented API, after sysexits where one fits. Those of an
//! orderly run, 0 and 10 to 13, are decided by `dropgate-gate`.

use dropgate_journal::{FolderError, OpenError};
use dropgate_process::SpawnError;
use dropgate_relay::RunError;

use crate::verbs::trust::store::StoreError;

/// Nothing was left to do.
pub(crate) const ORDERLY: u8 = 0;
/// The command line is wrong; nothing was started.
pub(crate) const USAGE: u8 = 64;
/// The server could not be started.
pub(crate) const UPSTREAM_UNAVAILABLE: u8 = 69;
/// Something of dropgate's own failed.
pub(crate) const INTERNAL: u8 = 70;
/// The journal, standard output, or a file that was asked for, could not be written.
pub(crate) const CAN_NOT_WRITE: u8 = 74;
/// Configuration or containment refused; nothing was started.
pub(crate) const REFUSED: u8 = 78;

/// The code of a run that never began.
pub(crate) fn of_run_error(error: &RunError) -> u8 {
    match error {
        RunError::Spawn(SpawnError::Program { .. }) => UPSTREAM_UNAVAILABLE,
        RunError::Journal(OpenError::Folder(error)) => of_folder_error(error),
        RunError::Journal(OpenError::Damaged { .. } | OpenError::Thread(_)) => CAN_NOT_WRITE,
        RunError::Spawn(SpawnError::Uncontained { .. }) => REFUSED,
        RunError::Spawn(
            SpawnError::GuardEnded | SpawnError::GuardSilent | SpawnError::System(_),
        )
        | RunError::Descriptors(_)
        | RunError::System(_) => INTERNAL,
    }
}

/// The code of a journal's folder that is not as it should be, or can't be read.
pub(crate) fn of_folder_error(error: &FolderError) -> u8 {
    match error {
        FolderError::Refused { .. } => REFUSED,
        FolderError::System { .. } => CAN_NOT_WRITE,
    }
}

/// The code of pins that can't be read or written.
pub(crate) fn of_store_error(error: &StoreError) -> u8 {
    match error {
        StoreError::Name(_) => USAGE,
        StoreError::NoPlace | StoreError::Unreadable { .. } => REFUSED,
        StoreError::File { .. } | StoreError::Held(_) | StoreError::Unwritable { .. } => {
            CAN_NOT_WRITE
        }
    }
}
