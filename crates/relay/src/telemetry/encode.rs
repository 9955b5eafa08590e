//! Records and measurements become what a collector takes, by the conventions for MCP.

use std::time::Duration;

use super::histogram::{BOUNDS, Histogram};
use super::otlp::{
    Attribute, Data, Hex, Metric, Metrics, Point, Points, Resource, ResourceMetrics, ResourceSpans,
    SCOPE, ScopeMetrics, ScopeSpans, Span, Status, Traces, Value, Wide, text,
};
use super::place::Place;
use super::queue::Measured;
use super::record::{Operation, Record, TOOLS_CALL};

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const CUMULATIVE: u8 = 2;
const SERVER_DURATION: &str = "mcp.server.operation.duration";
const CLIENT_DURATION: &str = "mcp.client.operation.duration";
const SESSION_DURATION: &str = "mcp.server.session.duration";

/// Turns what is gathered into bodies of requests.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) resource: Resource,
    /// The time at the relay's start, nanoseconds since 1970.
    pub(crate) origin: u64,
}

impl Encoder {
    /// The body for `v1/traces`.
    ///
    /// The last request of the host's also says how far the journal is, so that whoever keeps spans
    /// keeps heads.
    pub(crate) fn traces(&self, records: &[Record], journal: Option<&Place>) -> Vec<u8> {
        let names: Vec<String> = records.iter().map(|one| name(&one.operation)).collect();
        let both = records.iter().zip(&names).rev();
        let mut journal = journal;
        let mut spans: Vec<Span<'_>> = Vec::new();
        for (record, name) in both {
            let mut server = self.server(record, name);
            if let Some(place) = journal.take() {
                server.attributes.extend([
                    text("dropgate.journal.chain", &*place.chain),
                    Attribute {
                        key: "dropgate.journal.seq",
                        value: Value::Number(Wide(place.head.seq)),
                    },
                    text("dropgate.journal.head", place.head.hash.to_string()),
                ]);
            }
            let sent = record.trace.sent;
            spans.extend(sent.map(|sent| self.client(record, name, sent)));
            spans.push(server);
        }
        spans.reverse();
        let body = Traces {
            resource_spans: [ResourceSpans {
                resource: &self.resource,
                scope_spans: [ScopeSpans {
                    scope: SCOPE,
                    spans,
                }],
            }],
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The request as the host made it.
    fn server<'a>(&self, record: &'a Record, name: &'a str) -> Span<'a> {
        let trace = &record.trace;
        let mut attributes = attributes(record);
        attributes.push(text("dropgate.outcome", record.outcome.name()));
        if let Some(reference) = record.reference {
            attributes.push(text("dropgate.ref", reference.to_string()));
        }
        Span {
            span_id: Hex(&trace.server.span),
            parent_span_id: trace.parent.as_ref().map(|parent| Hex(parent)),
            attributes,
            ..self.span(record, name, SERVER, record.received)
        }
    }

    /// The request as the server got it.
    fn client<'a>(&self, record: &'a Record, name: &'a str, sent: Duration) -> Span<'a> {
        let trace = &record.trace;
        Span {
            span_id: Hex(&trace.client),
            parent_span_id: Some(Hex(&trace.server.span)),
            attributes: attributes(record),
            ..self.span(record, name, CLIENT, sent)
        }
    }

    fn span<'a>(&self, record: &'a Record, name: &'a str, kind: u8, start: Duration) -> Span<'a> {
        Span {
            trace_id: Hex(&record.trace.server.trace),
            span_id: Hex(&[]),
            parent_span_id: None,
            trace_state: record.trace.state.as_deref(),
            name,
            kind,
            start_time_unix_nano: self.at(start),
            end_time_unix_nano: self.at(record.ended),
            attributes: Vec::new(),
            status: Status {
                code: match record.operation.failure {
                    Some(_) => 2,
                    None => 0,
                },
            },
        }
    }

    fn at(&self, since_start: Duration) -> Wide {
        let nanos = u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX);
        Wide(self.origin.saturating_add(nanos))
    }

    /// The body for `v1/metrics`.
    pub(crate) fn metrics(&self, measured: &Measured, now: Duration) -> Vec<u8> {
        let times = [self.at(Duration::ZERO), self.at(now)];
        let mut server = Vec::new();
        let mut client = Vec::new();
        for (operation, durations) in &measured.operations {
            server.extend(point(&durations.server, times, || dimensions(operation)));
            client.extend(point(&durations.client, times, || dimensions(operation)));
        }
        let overflow = || {
            vec![Attribute {
                key: "otel.metric.overflow",
                value: Value::Flag(true),
            }]
        };
        server.extend(point(&measured.others.server, times, overflow));
        client.extend(point(&measured.others.client, times, overflow));
        let mut session = Histogram::default();
        if let Some(lasted) = measured.session {
            session.add(lasted);
        }
        let pipe = || vec![text("network.transport", "pipe")];
        let session = point(&session, times, pipe).into_iter().collect();
        let all = [
            (
                SERVER_DURATION,
                "Requests of the host, from receipt to answer",
                server,
            ),
            (
                CLIENT_DURATION,
                "Requests to the server, from sending to answer",
                client,
            ),
            (SESSION_DURATION, "The session with the host", session),
        ];
        let metrics = all
            .into_iter()
            .filter(|(_, _, points)| !points.is_empty())
            .map(|(name, description, data_points)| Metric {
                name,
                description,
                unit: "s",
                data: Data::Histogram(Points {
                    data_points,
                    aggregation_temporality: CUMULATIVE,
                }),
            })
            .chain(measured.refusals.metrics(times));
        let body = Metrics {
            resource_metrics: [ResourceMetrics {
                resource: &self.resource,
                scope_metrics: [ScopeMetrics {
                    scope: SCOPE,
                    metrics: metrics.collect(),
                }],
            }],
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The method, and what of few names it is about.
fn name(operation: &Operation) -> String {
    let target = operation.tool.as_deref().or(operation.prompt.as_deref());
    match target {
        Some(target) => format!("{} {target}", operation.method),
        None => operation.method.to_string(),
    }
}

/// What a span says of a call.
fn attributes(record: &Record) -> Vec<Attribute<'_>> {
    let mut attributes = dimensions(&record.operation);
    attributes.push(text("jsonrpc.request.id", &*record.id));
    if let Some(version) = &record.protocol {
        attributes.push(text("mcp.protocol.version", &**version));
    }
    attributes
}

/// What measurements are kept apart by.
fn dimensions(operation: &Operation) -> Vec<Attribute<'_>> {
    let mut attributes = vec![
        text("mcp.method.name", &*operation.method),
        text("network.transport", "pipe"),
    ];
    if let Some(tool) = &operation.tool {
        attributes.push(text("gen_ai.tool.name", &**tool));
    }
    if &*operation.method == TOOLS_CALL {
        attributes.push(text("gen_ai.operation.name", "execute_tool"));
    }
    if let Some(prompt) = &operation.prompt {
        attributes.push(text("gen_ai.prompt.name", &**prompt));
    }
    if let Some(failure) = operation.failure {
        attributes.push(text("error.type", failure.text()));
        if let super::record::Failure::Code(code) = failure {
            attributes.push(text("rpc.response.status_code", code.to_string()));
        }
    }
    attributes
}

fn point<'a>(
    times: &'a Histogram,
    [start, now]: [Wide; 2],
    attributes: impl FnOnce() -> Vec<Attribute<'a>>,
) -> Option<Point<'a>> {
    let count = times.count();
    (count > 0).then(|| Point {
        attributes: attributes(),
        start_time_unix_nano: start,
        time_unix_nano: now,
        count,
        sum: times.sum,
        min: times.least,
        max: times.most,
        bucket_counts: &times.steps,
        explicit_bounds: &BOUNDS,
    })
}
