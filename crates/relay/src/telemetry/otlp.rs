//! The shapes of OTLP in JSON, as far as they are used. Times are texts there, being too large for
//! some readers; counts may be either, and some readers take numbers only.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::traceparent::digits;

/// `v1/traces`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Traces<'a> {
    pub(crate) resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceSpans<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
pub(crate) struct ScopeSpans<'a> {
    pub(crate) scope: Scope,
    pub(crate) spans: Vec<Span<'a>>,
}

/// `v1/metrics`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metrics<'a> {
    pub(crate) resource_metrics: [ResourceMetrics<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceMetrics<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) scope_metrics: [ScopeMetrics<'a>; 1],
}

#[derive(Serialize)]
pub(crate) struct ScopeMetrics<'a> {
    pub(crate) scope: Scope,
    pub(crate) metrics: Vec<Metric<'a>>,
}

/// Who tells all this.
#[derive(Debug, Serialize)]
pub(crate) struct Resource {
    pub(crate) attributes: Vec<Attribute<'static>>,
}

/// What part of it does.
#[derive(Serialize)]
pub(crate) struct Scope {
    name: &'static str,
    version: &'static str,
}

pub(crate) const SCOPE: Scope = Scope {
    name: "dropgate",
    version: env!("CARGO_PKG_VERSION"),
};

#[derive(Debug, Serialize)]
pub(crate) struct Attribute<'a> {
    pub(crate) key: &'static str,
    pub(crate) value: Value<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) enum Value<'a> {
    #[serde(rename = "stringValue")]
    Text(Cow<'a, str>),
    #[serde(rename = "boolValue")]
    Flag(bool),
    #[serde(rename = "intValue")]
    Number(Wide),
}

/// An attribute with a text.
pub(crate) fn text<'a>(key: &'static str, text: impl Into<Cow<'a, str>>) -> Attribute<'a> {
    Attribute {
        key,
        value: Value::Text(text.into()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span<'a> {
    pub(crate) trace_id: Hex<'a>,
    pub(crate) span_id: Hex<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent_span_id: Option<Hex<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_state: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) kind: u8,
    pub(crate) start_time_unix_nano: Wide,
    pub(crate) end_time_unix_nano: Wide,
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) status: Status,
}

/// 2 for what failed.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Status {
    pub(crate) code: u8,
}

#[derive(Serialize)]
pub(crate) struct Metric<'a> {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) unit: &'static str,
    #[serde(flatten)]
    pub(crate) data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Data<'a> {
    Histogram(Points<'a>),
    Sum(Sum<'a>),
    Gauge(Gauge<'a>),
}

impl Data<'_> {
    /// Whether it has no point.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Histogram(histogram) => histogram.data_points.is_empty(),
            Self::Sum(sum) => sum.data_points.is_empty(),
            Self::Gauge(gauge) => gauge.data_points.is_empty(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sum<'a> {
    pub(crate) data_points: Vec<Number<'a>>,
    pub(crate) aggregation_temporality: u8,
    pub(crate) is_monotonic: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gauge<'a> {
    pub(crate) data_points: Vec<Number<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Number<'a> {
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) start_time_unix_nano: Wide,
    pub(crate) time_unix_nano: Wide,
    pub(crate) as_int: Wide,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Points<'a> {
    pub(crate) data_points: Vec<Point<'a>>,
    /// 2: since the start.
    pub(crate) aggregation_temporality: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point<'a> {
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) start_time_unix_nano: Wide,
    pub(crate) time_unix_nano: Wide,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) bucket_counts: &'a [u64],
    pub(crate) explicit_bounds: &'static [f64],
}

/// A number that is a text in JSON: a time, nanoseconds since 1970, or a count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide(pub(crate) u64);

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Copy)]
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&digits(self.0))
    }
}
