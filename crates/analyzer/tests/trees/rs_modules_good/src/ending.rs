use tokio::signal::unix::{SignalKind, signal};

/// Comes back when somebody asks for the end.
pub async fn asked() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
