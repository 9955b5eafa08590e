//! The thread that sends to the collector.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use dropgate_journal::Heads;
use dropgate_secrets::{Peer, Posted};
use serde::Deserialize;

use super::encode::Encoder;
use super::place::Place;
use super::queue::{Order, Queue, Trouble, Work};
use super::record::Record;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it waits after a failure: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends what the queue holds, until it is told to end.
pub(crate) struct Exporter<R> {
    pub(crate) peer: Peer,
    pub(crate) encoder: Encoder,
    pub(crate) queue: Arc<Queue>,
    /// Where a journal is kept: how far it is.
    pub(crate) heads: Option<Heads>,
    /// When the relay started.
    pub(crate) started: Instant,
    /// Wakes the loop, which then looks what there is to say.
    pub(crate) ring: R,
    /// Dropped at the end.
    pub(crate) ended: Sender<()>,
    pub(crate) failing: Option<Duration>,
}

/// What became of a request.
enum Answer {
    /// So many of its spans were refused.
    Taken { refused: u64 },
    /// It may be sent again.
    NotNow(String),
    /// It will never be taken.
    Refused(String),
}

/// Whether there is more to do.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl<R: Fn()> Exporter<R> {
    pub(crate) fn run(mut self) {
        loop {
            let next = match self.queue.next() {
                Work::Spans(records) => self.send_spans(&records),
                Work::Measured(measured) => {
                    let now = self.started.elapsed();
                    let body = self.encoder.metrics(&measured, now);
                    let answer = self.post("v1/metrics", &body);
                    if let Answer::Taken { .. } = answer {
                        self.queue.measurements_arrived();
                    }
                    self.heed(&answer)
                }
                Work::Done => Next::End,
            };
            if next == Next::End {
                // Only now does the other side learn that nothing more comes.
                drop(self.ended);
                return;
            }
        }
    }

    /// Sends until they are taken, or refused, or there is no time left. Meanwhile the queue fills.
    fn send_spans(&mut self, records: &[Record]) -> Next {
        let spans: u64 = records.iter().map(Record::spans).sum();
        let journal = self.heads.as_ref().and_then(Place::of);
        let body = self.encoder.traces(records, journal.as_ref());
        loop {
            let answer = self.post("v1/traces", &body);
            let next = self.heed(&answer);
            match answer {
                Answer::Taken { refused } => {
                    let refused = refused.min(spans);
                    self.queue.sent(spans - refused, refused);
                    return next;
                }
                Answer::Refused(_) => {
                    self.queue.sent(0, spans);
                    return next;
                }
                Answer::NotNow(_) if next == Next::End => {
                    self.queue.sent(0, spans);
                    return next;
                }
                Answer::NotNow(_) => {}
            }
        }
    }

    fn post(&self, path: &str, body: &[u8]) -> Answer {
        let until = Instant::now() + TIMEOUT;
        let until = match self.queue.order() {
            Order::GoOn => until,
            Order::FlushBy(end) => until.min(end),
        };
        match self.peer.post(path, body, until) {
            Ok(reply) => judged(&reply),
            Err(error) => Answer::NotNow(error.to_string()),
        }
    }

    /// Says once that nothing arrives, and once that it does again; waits a while before the next
    /// try. At the end there is no next one.
    fn heed(&mut self, answer: &Answer) -> Next {
        let ordered_before = self.queue.order();
        match answer {
            Answer::Taken { .. } => {
                if self.failing.take().is_some() {
                    self.tell(Trouble::Over);
                }
                return Next::GoOn;
            }
            Answer::NotNow(why) | Answer::Refused(why) => {
                if self.failing.is_none() {
                    self.tell(Trouble::Began(why.clone()));
                }
            }
        }
        let pause = self.failing.map_or(FIRST_PAUSE, |last| last * 2);
        let pause = pause.min(LONGEST_PAUSE);
        self.failing = Some(pause);
        match ordered_before {
            Order::FlushBy(_) => Next::End,
            Order::GoOn => {
                self.queue.pause(Instant::now() + pause);
                Next::GoOn
            }
        }
    }

    fn tell(&self, trouble: Trouble) {
        self.queue.note(trouble);
        (self.ring)();
    }
}

fn judged(reply: &Posted) -> Answer {
    let why = format!("it answers with status {}", reply.status);
    match reply.status {
        200..=299 => Answer::Taken {
            refused: refused(&reply.body),
        },
        429 | 502..=504 => Answer::NotNow(why),
        _other => Answer::Refused(why),
    }
}

/// How many spans a reply says were not taken.
fn refused(body: &str) -> u64 {
    let reply: Option<Reply> = serde_json::from_str(body).ok();
    let partial = reply.and_then(|reply| reply.partial_success);
    partial.map_or(0, |partial| match partial.rejected_spans {
        Some(Count::Text(text)) => text.parse().unwrap_or(0),
        Some(Count::Number(number)) => number,
        None => 0,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    partial_success: Option<Partial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Partial {
    rejected_spans: Option<Count>,
}

/// By the book a text, in practice also a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Text(String),
    Number(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_is_counted() {
        for (body, count) in [
            ("", 0),
            ("{}", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (
                r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#,
                3,
            ),
            (r#"{"partialSuccess":{"rejectedSpans":4}}"#, 4),
            (r#"{"partialSuccess":{"rejectedSpans":"many"}}"#, 0),
            (r#"{"partialSuccess":null}"#, 0),
        ] {
            assert_eq!(refused(body), count, "{body}");
        }
    }
}
