//! Another thread tells the loop that there is news.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// The loop's side.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    /// What the other thread calls, as often as it likes.
    pub(crate) fn ringer(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || {
            if !shared.rung.swap(true, Ordering::AcqRel) {
                let waker = shared
                    .waker
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }
    }

    /// Whether it rang since the last time that this said so.
    pub(crate) fn has_rung(&self) -> bool {
        self.shared.rung.swap(false, Ordering::AcqRel)
    }

    /// Ready when it has rung.
    pub(crate) fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_rung() {
            return Poll::Ready(());
        }
        {
            let mut waker = self
                .shared
                .waker
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match waker.as_ref() {
                Some(known) if known.will_wake(cx.waker()) => {}
                Some(_) | None => *waker = Some(cx.waker().clone()),
            }
        }
        // It may have rung before the waker was there.
        if self.has_rung() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_ring_is_missed() {
        let bell = Bell::default();
        for _ in 0..2000 {
            let ring = bell.ringer();
            let ringing = std::thread::spawn(ring);
            std::future::poll_fn(|cx| bell.poll_rung(cx)).await;
            ringing.join().unwrap();
            assert!(!bell.has_rung());
        }
    }

    #[test]
    fn many_rings_are_one() {
        let bell = Bell::default();
        let ring = bell.ringer();
        ring();
        ring();
        assert!(bell.has_rung());
        assert!(!bell.has_rung());
    }
}
