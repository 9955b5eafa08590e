//! What is counted of calls that are not let through: the states that breakers are in, how they
//! changed, which calls they rejected and tried, and why calls were denied.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dropgate_gate::breaker::{Cause, Phase, Transition};
use dropgate_gate::decision::Reason;

use super::otlp::{Attribute, Data, Gauge, Metric, Number, Sum, Value, Wide, text};

/// The most breakers, and tools of rejected calls, that are counted each by itself.
const MOST: usize = 256;
const CUMULATIVE: u8 = 2;

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals {
    /// Those that ever changed; without a name that of the server.
    breakers: BTreeMap<Option<Arc<str>>, Counted>,
    /// Calls that a breaker rejected, by tool.
    rejected: BTreeMap<Option<Arc<str>>, u64>,
    /// Changes and rejections of too many.
    others: (u64, u64),
    /// Calls that half-open breakers let through.
    permits: u64,
    denied: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug)]
struct Counted {
    phase: Phase,
    changes: HashMap<(Phase, Phase, Cause), u64>,
}

impl Refusals {
    pub(crate) fn change(&mut self, breaker: Option<Arc<str>>, transition: &Transition) {
        let known = self.breakers.contains_key(&breaker);
        if !known && self.breakers.len() >= MOST {
            self.others.0 += 1;
            return;
        }
        let counted = self.breakers.entry(breaker).or_insert_with(|| Counted {
            phase: transition.to,
            changes: HashMap::new(),
        });
        counted.phase = transition.to;
        let change = (transition.from, transition.to, transition.cause);
        *counted.changes.entry(change).or_default() += 1;
    }

    pub(crate) fn reject(&mut self, tool: Option<Arc<str>>) {
        let known = self.rejected.contains_key(&tool);
        if !known && self.rejected.len() >= MOST {
            self.others.1 += 1;
            return;
        }
        *self.rejected.entry(tool).or_default() += 1;
    }

    pub(crate) fn permit(&mut self, calls: u64) {
        self.permits += calls;
    }

    pub(crate) fn deny(&mut self, reason: Reason) {
        *self.denied.entry(reason.name()).or_default() += 1;
    }

    /// As metrics; those without a point are left out.
    pub(crate) fn metrics(&self, times: [Wide; 2]) -> Vec<Metric<'_>> {
        let states = self.breakers.iter().flat_map(|(breaker, counted)| {
            Phase::ALL.into_iter().map(move |phase| {
                let mut attributes = named(breaker.as_deref());
                attributes.push(text("dropgate.breaker.state", phase.name()));
                point(attributes, times, u64::from(phase == counted.phase))
            })
        });
        let changes = self.breakers.iter().flat_map(|(breaker, counted)| {
            counted
                .changes
                .iter()
                .map(move |((from, to, cause), count)| {
                    let mut attributes = named(breaker.as_deref());
                    attributes.push(text("dropgate.breaker.from", from.name()));
                    attributes.push(text("dropgate.breaker.to", to.name()));
                    attributes.push(text("dropgate.breaker.cause", cause.name()));
                    point(attributes, times, *count)
                })
        });
        let rejected = self.rejected.iter().map(|(tool, count)| {
            let tool = tool.as_deref().map(|tool| text("gen_ai.tool.name", tool));
            point(tool.into_iter().collect(), times, *count)
        });
        let permits = (self.permits > 0).then(|| point(Vec::new(), times, self.permits));
        let denied = self.denied.iter().map(|(reason, count)| {
            point(vec![text("dropgate.denial.reason", *reason)], times, *count)
        });
        let all = [
            Metric {
                name: "dropgate.breaker.state",
                description: "1 for the state that a breaker is in, 0 for the others",
                unit: "1",
                data: Data::Gauge(Gauge {
                    data_points: states.collect(),
                }),
            },
            Metric {
                name: "dropgate.breaker.transitions",
                description: "Changes of breakers",
                unit: "{transition}",
                data: sum(changes, self.others.0, times),
            },
            Metric {
                name: "dropgate.breaker.rejections",
                description: "Calls that a breaker rejected",
                unit: "{call}",
                data: sum(rejected, self.others.1, times),
            },
            Metric {
                name: "dropgate.breaker.permits",
                description: "Calls that half-open breakers let through to try the server",
                unit: "{call}",
                data: sum(permits.into_iter(), 0, times),
            },
            Metric {
                name: "dropgate.denials",
                description: "Calls that policies or pins denied",
                unit: "{call}",
                data: sum(denied, 0, times),
            },
        ];
        all.into_iter().filter(|one| !one.data.is_empty()).collect()
    }
}

fn named(breaker: Option<&str>) -> Vec<Attribute<'_>> {
    match breaker {
        None => vec![text("dropgate.breaker.of", "server")],
        Some(tool) => vec![
            text("dropgate.breaker.of", "tool"),
            text("gen_ai.tool.name", tool),
        ],
    }
}

fn sum<'a>(points: impl Iterator<Item = Number<'a>>, others: u64, times: [Wide; 2]) -> Data<'a> {
    let overflow = (others > 0).then(|| {
        let attribute = Attribute {
            key: "otel.metric.overflow",
            value: Value::Flag(true),
        };
        point(vec![attribute], times, others)
    });
    Data::Sum(Sum {
        data_points: points.chain(overflow).collect(),
        aggregation_temporality: CUMULATIVE,
        is_monotonic: true,
    })
}

fn point(attributes: Vec<Attribute<'_>>, [start, now]: [Wide; 2], count: u64) -> Number<'_> {
    Number {
        attributes,
        start_time_unix_nano: start,
        time_unix_nano: now,
        as_int: Wide(count),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_more_than_can_be_kept_apart_is_counted_together() {
        let mut refusals = Refusals::default();
        let opened = Transition {
            at: Duration::ZERO,
            from: Phase::Closed,
            to: Phase::Open,
            cause: Cause::Failures,
            lasts: None,
        };
        for tool in 0..MOST + 3 {
            let tool: Arc<str> = tool.to_string().into();
            refusals.change(Some(Arc::clone(&tool)), &opened);
            refusals.reject(Some(tool));
        }
        assert_eq!(
            (refusals.breakers.len(), refusals.rejected.len()),
            (MOST, MOST)
        );
        assert_eq!(refusals.others, (3, 3));
        let metrics = refusals.metrics([Wide(0), Wide(1)]);
        let told = serde_json::to_value(&metrics).unwrap();
        let points = told[1]["sum"]["dataPoints"].as_array().unwrap();
        assert_eq!(points.len(), MOST + 1);
        assert_eq!(points[MOST]["asInt"], "3");
    }

    #[test]
    fn nothing_is_told_of_breakers_that_never_changed() {
        assert!(Refusals::default().metrics([Wide(0), Wide(1)]).is_empty());
    }
}
