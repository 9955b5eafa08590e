//! What the relay says about itself, and the time it gives its readers at the end.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::ending::FAREWELL;
use crate::lane::Outflow;
use crate::log_line::shown;
use crate::relay::Relay;

/// What of the last moments is kept for the log's end.
const LOG_END: Duration = Duration::from_millis(100);
/// About so many bytes are still read of the host once the run is over: as much as a pipe can hold
/// without leave.
const LAST_BYTES: usize = 1 << 20;

impl Relay {
    pub(crate) fn say_status(&mut self) {
        let now = self.now();
        let calls: Vec<String> = self
            .calls
            .iter()
            .take(20)
            .map(|(id, call, standing)| {
                format!(
                    "{id} {} {:.1} s {standing:?}",
                    call.tool().map_or("(no tool)".to_owned(), shown),
                    call.elapsed(now).as_secs_f64()
                )
            })
            .collect();
        self.log.line(&format!(
            "status: phase {}, {} in flight: {}",
            self.shutdown.phase().name(),
            self.calls.len(),
            calls.join("; ")
        ));
    }

    /// Answers what the host had written, and gives it time to read the last answers.
    pub(crate) async fn say_farewell(&mut self) {
        let end = Instant::now() + self.farewell();
        let until = end - LOG_END;
        let mut most = LAST_BYTES;
        loop {
            let heard = self.hear_last_requests();
            self.give_last_answers(until).await;
            most = most.saturating_sub(heard);
            if heard == 0 || most == 0 || self.downstream_has_backlog() || Instant::now() >= end {
                break;
            }
        }
        self.log.drain();
    }

    async fn give_last_answers(&mut self, until: Instant) {
        while self.downstream_has_backlog() {
            self.heed_journal();
            match self.downstream.outlet.flush(&mut self.upstream.intake) {
                Outflow::Clear | Outflow::Broken => break,
                Outflow::Waiting | Outflow::Held => {}
            }
            if tokio::time::timeout_at(until, self.host_gets_on())
                .await
                .is_err()
            {
                // An answer without a record is not given, but the host must know.
                self.withhold_unrecorded(self.now());
                self.downstream.outlet.flush(&mut self.upstream.intake);
                break;
            }
        }
    }

    /// Ready when more could be written to the host, or more is recorded.
    pub(crate) async fn host_gets_on(&mut self) {
        self.recorder.rouse();
        poll_fn(|cx| {
            if self.poll_recorded(cx).is_ready()
                || self.host_may_be_written_to()
                    && self.downstream.outlet.poll_writable(cx).is_ready()
            {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// How long the readers may take that are slow: the deadline holds for them
    /// as well, but the report is worth a moment whatever came before.
    fn farewell(&mut self) -> Duration {
        self.shutdown.time_left(self.now()).clamp(LOG_END, FAREWELL)
    }

    /// Writes the log's end, as far as its reader lets it within a bound.
    pub(crate) async fn finish_log(&mut self) {
        let until = Instant::now() + self.farewell();
        while self.log.has_backlog() {
            self.log.pump();
            let flushable = poll_fn(|cx| self.log.poll_flushable(cx));
            if self.log.has_backlog() && tokio::time::timeout_at(until, flushable).await.is_err() {
                break;
            }
        }
    }
}
