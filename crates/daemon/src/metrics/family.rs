//! A metric with all its series, and how it is written down.

use std::fmt;

use postern_metrics::Reading;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

/// What a metric is called and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    /// Without the `_total` that OpenMetrics appends to counters.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The names of its labels.
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

/// How a metric's values are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows, from zero when the process began.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts amounts in buckets.
    Histogram,
}

impl Kind {
    /// As the documentation calls it.
    #[cfg(test)]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric with its values.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) about: &'static About,
    /// The values of the labels, in the order of their names, and the metric's value.
    pub(super) series: Vec<(Vec<String>, Value)>,
}

/// The value of a series.
#[derive(Debug)]
pub(super) enum Value {
    Count(u64),
    Seconds(f64),
    Level(f64),
    Amounts(Reading),
}

impl Family {
    /// One value without labels.
    pub(super) fn single(about: &'static About, value: Value) -> Self {
        Self {
            about,
            series: vec![(Vec::new(), value)],
        }
    }

    /// A value for each value of the only label.
    pub(super) fn by<L: Into<String>>(
        about: &'static About,
        values: impl IntoIterator<Item = (L, Value)>,
    ) -> Self {
        Self {
            about,
            series: values
                .into_iter()
                .map(|(label, value)| (vec![label.into()], value))
                .collect(),
        }
    }
}

/// Writes the metrics in the text format of OpenMetrics.
pub(super) fn render(families: Vec<Family>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Gathered(families)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Gathered(Vec<Family>);

impl Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| write(family, &mut encoder))
    }
}

fn write(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let about = family.about;
    let kind = match about.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    let mut metric = encoder.encode_descriptor(about.name, about.help, None, kind)?;
    for (values, value) in &family.series {
        let labels: Vec<_> = about.labels.iter().copied().zip(values.iter().cloned()).collect();
        if labels.is_empty() {
            write_value(value, &mut metric)?;
        } else {
            write_value(value, &mut metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn write_value(value: &Value, series: &mut MetricEncoder<'_>) -> fmt::Result {
    match value {
        Value::Count(count) => series.encode_counter::<NoLabelSet, _, u64>(count, None),
        Value::Seconds(seconds) => series.encode_counter::<NoLabelSet, _, f64>(seconds, None),
        Value::Level(level) => series.encode_gauge(level),
        Value::Amounts(reading) => {
            let (count, buckets) = (reading.count(), finite(reading));
            series.encode_histogram::<NoLabelSet>(reading.sum, count, &buckets, None)
        }
    }
}

/// The encoder writes `+Inf` for the largest float, and adds the buckets up by itself.
fn finite(reading: &Reading) -> Vec<(f64, u64)> {
    let bounds = reading.buckets.iter();
    bounds
        .map(|(bound, count)| (bound.min(f64::MAX), *count))
        .collect()
}
