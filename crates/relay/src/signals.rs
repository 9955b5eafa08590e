//! The signals that this process acts on, as a small enum at the edge.

use std::io;
use std::task::{Context, Poll};

use dropgate_gate::shutdown::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

/// Something that the system told this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// To shut down.
    Stop(Signal),
    /// To say what it is doing (SIGUSR1).
    Status,
    /// A child ended or was stopped (SIGCHLD).
    Child,
}

/// The listening side of all of them.
#[derive(Debug)]
pub(crate) struct Signals {
    listeners: Vec<(Told, unix::Signal)>,
}

impl Signals {
    /// From here on none of these signals ends the process by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        let wanted = [
            (Told::Stop(Signal::Term), SignalKind::terminate()),
            (Told::Stop(Signal::Int), SignalKind::interrupt()),
            (Told::Stop(Signal::Hup), SignalKind::hangup()),
            (Told::Stop(Signal::Quit), SignalKind::quit()),
            (Told::Status, SignalKind::user_defined1()),
            (Told::Child, SignalKind::child()),
        ];
        let listeners = wanted
            .into_iter()
            .map(|(told, kind)| Ok((told, signal(kind)?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { listeners })
    }

    /// The next signal, in the order of the list when several came.
    pub(crate) fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Told> {
        for (told, listener) in &mut self.listeners {
            if listener.poll_recv(cx).is_ready() {
                return Poll::Ready(*told);
            }
        }
        Poll::Pending
    }
}
