//! Spans and durations of calls, for a collector that speaks OTLP over HTTP.
//!
//! Calls never wait for it: the loop leaves what there is to tell in a queue with a limit, and a
//! thread sends it. Nothing of this exists unless a collector is configured.

mod encode;
mod exporter;
mod histogram;
mod otlp;
mod place;
mod queue;
mod record;
mod refusals;
mod trace;
mod traceparent;
mod tracestate;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dropgate_gate::breaker::{Change, Ended, Scope};
use dropgate_gate::call::{Finished, Slot};
use dropgate_gate::decision::Reason;
use dropgate_journal::Heads;
use dropgate_secrets::Peer;
use dropgate_wire::{Line, edit};

use self::encode::Encoder;
use self::exporter::Exporter;
use self::otlp::{Resource, text};
use self::queue::{Delivered, Queue, Trouble};
use self::record::{Failure, Operation, Record, TOOLS_CALL, bounded};
pub use self::trace::Propagate;
pub(crate) use self::trace::Trace;
use self::traceparent::{Ids, digits};
use crate::docket::{Asked, Item};
use crate::downstream::stdio::Ask;
use crate::relay::Relay;
use crate::report::TelemetryReport;

/// The share of the time that is left which the last spans may take to reach the collector, and its
/// bounds: some is needed even late, and none may keep the end waiting for long.
const SHARE: u32 = 4;
const LEAST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_millis(500);
/// The most calls that may wait to be sent, unless configured.
pub const USUAL_QUEUE: usize = 2048;

/// Where spans and durations go, and what the server is told of traces.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The collector.
    pub collector: Peer,
    /// Its address, for the log.
    pub address: Box<str>,
    /// By which name it knows this program.
    pub service: String,
    /// Whether the server is told of the trace.
    pub propagate: Propagate,
    /// The keys of baggage that go on to the server with it.
    pub baggage: Vec<Box<str>>,
    /// How many calls may wait to be sent; those beyond it are lost, and counted.
    pub queue: usize,
}

/// The loop's side.
#[derive(Debug)]
pub(crate) struct Telemetry {
    ids: Ids,
    queue: Arc<Queue>,
    ended: Receiver<()>,
    address: Box<str>,
    propagate: Propagate,
    baggage: Vec<Box<str>>,
    protocol: Option<Arc<str>>,
    tools_call: Arc<str>,
}

impl Telemetry {
    /// Begins the thread that sends. Times count from `started`.
    ///
    /// # Errors
    /// The system gives no random bytes, or no thread.
    pub(crate) fn begin(
        settings: TelemetrySettings,
        server: &str,
        started: Instant,
        heads: Option<Heads>,
        ring: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let mut ids = Ids::new();
        let instance: [u8; 16] = ids
            .next()
            .ok_or_else(|| io::Error::other("the system gives no random bytes"))?;
        let origin = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(started.elapsed());
        let resource = Resource {
            attributes: vec![
                text("service.name", settings.service),
                text("service.version", env!("CARGO_PKG_VERSION")),
                text("service.instance.id", digits(&instance)),
                text("dropgate.server", server.to_owned()),
            ],
        };
        let queue = Arc::new(Queue::new(settings.queue));
        let (end, ended) = channel();
        let exporter = Exporter {
            peer: settings.collector,
            encoder: Encoder {
                resource,
                origin: u64::try_from(origin.as_nanos()).unwrap_or(u64::MAX),
            },
            queue: Arc::clone(&queue),
            heads,
            started,
            ring,
            ended: end,
            failing: None,
        };
        std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || exporter.run())?;
        Ok(Self {
            ids,
            queue,
            ended,
            address: settings.address,
            propagate: settings.propagate,
            baggage: settings.baggage,
            protocol: None,
            tools_call: TOOLS_CALL.into(),
        })
    }

    fn trace(&mut self, ask: &Ask, line: &[u8]) -> Option<Box<Trace>> {
        let mut trace = Trace::begin(line, &self.baggage, &mut self.ids)?;
        if ask.asked == Asked::Prompt {
            let target = ask.particulars.as_ref().and_then(|it| it.target.clone());
            trace.prompt = target.map(bounded);
        }
        Some(trace)
    }

    /// Sends all that is left, and waits for that so long at most.
    fn finish(&mut self, lasted: Duration, within: Duration) -> TelemetryReport {
        self.queue.flush(lasted, Instant::now() + within);
        // The end of the thread shows as the end of the channel.
        let _ended_or_late = self.ended.recv_timeout(within);
        let tally = self.queue.tally();
        TelemetryReport {
            spans_exported: tally.exported,
            spans_lost: tally.lost,
            metrics_lost: tally.measured == Delivered::No,
        }
    }
}

impl Relay {
    /// Begins the trace of a request that came from the host, and gives the message that the server
    /// is to get in place of its own, if that differs.
    pub(crate) fn begin_trace(&mut self, ask: &mut Ask, line: Range<usize>) -> Option<Vec<u8>> {
        let telemetry = self.telemetry.as_mut()?;
        let line = self.downstream.intake.lines.bytes(line);
        ask.trace = telemetry.trace(ask, line);
        self.with_context(ask.trace.as_deref()?, line)
    }

    /// The message that the server is to get in place of `line`, if that differs.
    pub(crate) fn with_context(&self, trace: &Trace, line: &[u8]) -> Option<Vec<u8>> {
        match self.telemetry.as_ref()?.propagate {
            Propagate::Yes => trace.rewritten(line),
            Propagate::No => None,
        }
    }

    /// The first byte of a call is about to be sent.
    pub(crate) fn note_sent(&mut self, slot: Slot) {
        let now = self.now();
        let item = self.docket.get_mut(slot);
        if let Some(trace) = item.and_then(|item| item.trace.as_mut()) {
            trace.sent = Some(now);
        }
    }

    /// A call has its outcome. What is known of it is told.
    pub(crate) fn end_trace(
        &mut self,
        item: &mut Item,
        finished: &Finished,
        ended: &Ended<'_>,
        now: Duration,
    ) {
        let (Some(telemetry), Some(mut trace)) = (&self.telemetry, item.trace.take()) else {
            return;
        };
        let code = if let Ended::RpcError(code, _) = ended {
            Some(*code)
        } else {
            None
        };
        let (method, tool) = match item.asked {
            Asked::Tool => (
                Arc::clone(&telemetry.tools_call),
                Some(self.tellable(&item.known.name)),
            ),
            Asked::Resource
            | Asked::Prompt
            | Asked::Handshake
            | Asked::ToolList
            | Asked::ToolChanges
            | Asked::Other => (self.tellable(&item.known.name), None),
        };
        // One that would have to be changed names nobody any more.
        trace.state = trace.state.take().filter(|state| {
            !self
                .sanitizer
                .finds_value(state, &crate::cleaning::stopwatch())
        });
        let prompt = trace.prompt.take().map(|name| self.tellable(&name));
        let id = item.id.to_string();
        telemetry.queue.add(Record {
            operation: Operation {
                method,
                tool,
                prompt,
                failure: Failure::of(finished.outcome, code),
            },
            trace,
            id: bounded(self.tellable(&id.into())).as_ref().into(),
            outcome: finished.outcome,
            reference: item.reference,
            received: finished.received_at,
            ended: now,
            protocol: telemetry.protocol.clone(),
        });
    }

    /// A breaker changed.
    pub(crate) fn count_breaker(&self, change: &Change) {
        if let Some(telemetry) = &self.telemetry {
            let tool = match &change.scope {
                Scope::Upstream => None,
                Scope::Tool(name) => Some(self.tellable(&Arc::from(&**name))),
            };
            telemetry
                .queue
                .count(|refusals| refusals.change(tool, &change.transition));
        }
    }

    /// A breaker rejected a call.
    pub(crate) fn count_rejected(&self, slot: Slot) {
        if let Some(telemetry) = &self.telemetry {
            let item = self.docket.get(slot).filter(|it| it.asked == Asked::Tool);
            let tool = item.map(|item| self.tellable(&item.known.name));
            telemetry.queue.count(|refusals| refusals.reject(tool));
        }
    }

    /// Half-open breakers let so many calls through.
    pub(crate) fn count_permits(&self, calls: u64) {
        if let (Some(telemetry), 1..) = (&self.telemetry, calls) {
            telemetry.queue.count(|refusals| refusals.permit(calls));
        }
    }

    /// A call was denied.
    pub(crate) fn count_denied(&self, reason: Reason) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.queue.count(|refusals| refusals.deny(reason));
        }
    }

    /// A text of the host's without values of secrets, and not too long.
    pub(crate) fn tellable(&self, text: &Arc<str>) -> Arc<str> {
        if self.sanitizer.knows_no_values() {
            return bounded(Arc::clone(text));
        }
        let cleaned = self.sanitizer.text(text, &crate::cleaning::stopwatch());
        bounded(Arc::from(cleaned.as_str()))
    }

    /// Keeps the version of the protocol that the server's answer to the handshake names.
    pub(crate) fn learn_protocol(&mut self, line: &Line) {
        let Line::Whole(span, _) = line else { return };
        if self.telemetry.is_none() {
            return;
        }
        let mut part = self.upstream.intake.lines.bytes(span.clone());
        for name in ["result", "protocolVersion"] {
            match edit::members(part, [name]) {
                Some([Some(at)]) => part = part.get(at).unwrap_or_default(),
                Some([None]) | None => return,
            }
        }
        let version: Option<String> = serde_json::from_slice(part).ok();
        let version = version.map(|version| self.tellable(&version.into()));
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.protocol = version;
        }
    }

    /// Says whether the collector can be reached, when that has changed.
    pub(crate) fn heed_telemetry(&mut self) {
        let Some(telemetry) = &self.telemetry else {
            return;
        };
        let address = &telemetry.address;
        match telemetry.queue.take_trouble() {
            None => {}
            Some(Trouble::Began(why)) => self.log.warn(&format!(
                "telemetry: {address} does not take spans: {why}; calls go on without"
            )),
            Some(Trouble::Over) => self
                .log
                .line(&format!("telemetry: {address} takes spans again")),
        }
    }

    /// Sends the last spans; those that do not arrive in their share of the time are lost, which the
    /// report says.
    pub(crate) fn finish_telemetry(&mut self) -> Option<TelemetryReport> {
        let now = self.now();
        let within = (self.shutdown.time_left(now) / SHARE).clamp(LEAST, MOST);
        let report = self.telemetry.as_mut()?.finish(now, within);
        self.heed_telemetry();
        Some(report)
    }
}
