//! The signals that this process acts on, as a small enum at the edge.

use std::io;
use std::task::{Context, Poll};

use dropgate_gate::shutdown::Signal;
use dropgate_process::release_signals;
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::mpsc;

/// Something that the system told this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// To shut down.
    Stop(Signal),
    /// To say what it is doing (SIGUSR1).
    Status,
    /// A child ended or was stopped (SIGCHLD).
    Child,
}

/// How many may wait for the loop; the senders wait beyond that.
const MAX_WAITING: usize = 8;

/// The receiving side of all of them.
///
/// Each kind has a task of its own, which sleeps until its signal comes. The
/// loop looks here on every wake-up, and one channel that mostly is empty costs
/// it a sixth of what six listeners cost.
#[derive(Debug)]
pub(crate) struct Signals {
    told: mpsc::Receiver<Told>,
}

impl Signals {
    /// From here on none of these signals ends the process by itself.
    ///
    /// # Errors
    /// The system refuses one of them.
    pub(crate) fn listen() -> io::Result<Self> {
        let wanted = [
            (Told::Stop(Signal::Term), SignalKind::terminate()),
            (Told::Stop(Signal::Int), SignalKind::interrupt()),
            (Told::Stop(Signal::Hup), SignalKind::hangup()),
            (Told::Stop(Signal::Quit), SignalKind::quit()),
            (Told::Status, SignalKind::user_defined1()),
            (Told::Child, SignalKind::child()),
        ];
        let (sender, told) = mpsc::channel(MAX_WAITING);
        for (kind_told, kind) in wanted {
            tokio::spawn(pass_on(signal(kind)?, kind_told, sender.clone()));
        }
        // Those that came before anybody could act on them.
        release_signals()?;
        Ok(Self { told })
    }

    /// The next signal.
    pub(crate) fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Told> {
        match self.told.poll_recv(cx) {
            Poll::Ready(Some(told)) => Poll::Ready(told),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Passes signals of one kind on until nobody receives them.
async fn pass_on(mut listener: unix::Signal, told: Told, sender: mpsc::Sender<Told>) {
    while listener.recv().await.is_some() && sender.send(told).await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::future::poll_fn;
    use std::time::Duration;

    use rustix::process::{Signal as Number, getpid, kill_process};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(20);

    async fn next(signals: &mut Signals) -> Told {
        tokio::time::timeout(WITHIN, poll_fn(|cx| signals.poll_told(cx)))
            .await
            .expect("the signal arrives")
    }

    #[tokio::test]
    async fn every_signal_arrives_as_what_it_means() {
        let mut signals = Signals::listen().expect("listens");
        let sent = [
            (Number::TERM, Told::Stop(Signal::Term)),
            (Number::INT, Told::Stop(Signal::Int)),
            (Number::HUP, Told::Stop(Signal::Hup)),
            (Number::QUIT, Told::Stop(Signal::Quit)),
            (Number::USR1, Told::Status),
            (Number::CHILD, Told::Child),
        ];
        for (number, meaning) in sent {
            kill_process(getpid(), number).expect("sends");
            assert_eq!(next(&mut signals).await, meaning);
        }
        for (number, _) in sent {
            kill_process(getpid(), number).expect("sends");
        }
        let mut all = HashSet::new();
        while all.len() < sent.len() {
            all.insert(next(&mut signals).await);
        }
    }
}
