//! `[telemetry]`: where spans and durations of calls go. `[log]`: what is said on stderr.

use std::io;
use std::path::{Path, PathBuf};

use dropgate_relay::{LogFormat, LogLevel, LogSettings, Propagate, TelemetrySettings, USUAL_QUEUE};
use dropgate_secrets::{Peer, PeerError};

use crate::bounded::{self, NotRead, Pipes};
use crate::config::written::{self, Telemetry};

/// The largest file of certificates that is read, bytes.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// Why a collector can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("telemetry.ca_file: can not read {path}: {why}")]
    Certificates { path: PathBuf, why: io::Error },
    #[error("telemetry.ca_file: {path} is larger than 1 MiB")]
    TooLarge { path: PathBuf },
    #[error("telemetry.otlp: {0}")]
    Collector(#[from] PeerError),
}

/// What the file means; nothing without the table. Files are relative to `folder`.
///
/// # Errors
/// The address is none, or the certificates can't be read.
pub(super) fn settings(
    written: Option<&Telemetry>,
    folder: &Path,
    pipes: Pipes,
) -> Result<Option<TelemetrySettings>, TelemetryError> {
    let Some(written) = written else {
        return Ok(None);
    };
    let roots = written
        .ca_file
        .as_ref()
        .map(|path| certificates(&folder.join(path), pipes))
        .transpose()?;
    let service = written.service_name.as_deref().unwrap_or("dropgate");
    Ok(Some(TelemetrySettings {
        collector: Peer::new(&written.otlp, roots.as_deref())?,
        address: written.otlp.as_str().into(),
        service: service.to_owned(),
        propagate: match written.propagate {
            Some(false) => Propagate::No,
            Some(true) | None => Propagate::Yes,
        },
        baggage: written
            .baggage
            .iter()
            .map(|key| key.as_str().into())
            .collect(),
        queue: written.queue.map_or(USUAL_QUEUE, |calls| calls as usize),
    }))
}

/// What the file means for lines on stderr.
pub(super) fn log(written: &written::Log) -> LogSettings {
    LogSettings {
        format: match written.format {
            Some(written::LogFormat::Json) => LogFormat::Json,
            Some(written::LogFormat::Text) | None => LogFormat::Text,
        },
        level: match written.level {
            Some(written::LogLevel::Warn) => LogLevel::Warn,
            Some(written::LogLevel::Info) | None => LogLevel::Info,
            Some(written::LogLevel::Debug) => LogLevel::Debug,
        },
    }
}

fn certificates(path: &Path, pipes: Pipes) -> Result<Vec<u8>, TelemetryError> {
    bounded::read_with(pipes, path, MAX_CERTIFICATES).map_err(|error| match error {
        NotRead::System(why) => TelemetryError::Certificates {
            path: path.to_owned(),
            why,
        },
        NotRead::TooLarge(_) => TelemetryError::TooLarge {
            path: path.to_owned(),
        },
    })
}
