//! Plots as SVG: drawn here, coloured by the style sheet, and told in words beside them.

use std::time::Duration;

use maud::{Markup, html};

/// The plot's size in its own units; the page scales it.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
/// Left for the numbers beside it, and for the days below.
const LEFT: f64 = 64.0;
const BELOW: f64 = 26.0;
const ABOVE: f64 = 8.0;

/// A column of a plot.
pub(super) struct Bar<const N: usize> {
    /// Below it.
    pub(super) label: String,
    /// From the bottom to the top.
    pub(super) parts: [u64; N],
    /// All of it in words.
    pub(super) words: String,
}

/// Columns made of parts; `classes` gives these their colours. `heading` is the id of what the plot is called.
pub(super) fn bars<const N: usize>(heading: &str, classes: &[&str; N], columns: &[Bar<N>]) -> Markup {
    let largest = columns
        .iter()
        .map(|bar| bar.parts.iter().sum::<u64>())
        .max()
        .unwrap_or(0);
    if largest == 0 {
        return html! { p class="quiet-text pad" { "There was nothing on these days." } };
    }
    let top = ceiling(largest);
    let step = (WIDTH - LEFT) / number(columns.len());
    frame(
        heading,
        &[(0.0, "0".to_owned()), (0.5, short(top / 2)), (1.0, short(top))],
        html! {
            @for (index, bar) in columns.iter().enumerate() {
                g {
                    title { (bar.words) }
                    rect class="hover" x=(round(LEFT + step * number(index))) y=(ABOVE) width=(round(step)) height=(HEIGHT) {}
                    @for (part, (from, height)) in stacked(&bar.parts, top).into_iter().enumerate() {
                        @if height > 0.0 {
                            rect class={ "part " (classes[part]) } x=(round(LEFT + step * number(index) + step * 0.12)) y=(round(from))
                                width=(round(step * 0.76)) height=(round(height)) {}
                        }
                    }
                }
            }
            (days(columns.iter().map(|bar| bar.label.as_str()), step))
        },
    )
}

/// Where each part of a column begins, from above, and how high it is.
fn stacked<const N: usize>(parts: &[u64; N], top: u64) -> [(f64, f64); N] {
    let mut floor = ABOVE + HEIGHT;
    parts.map(|part| {
        let height = HEIGHT * ratio(part, top);
        floor -= height;
        (floor, height)
    })
}

/// A line over the days: for each day how far up it lies, from 0 to 1, and that in words.
struct Curve {
    class: &'static str,
    points: Vec<Option<(f64, String)>>,
}

/// How long half took at most, and 95 of 100, on a scale where each step is ten times the one before.
pub(super) fn latencies(heading: &str, days: &[(String, [Option<Duration>; 2])]) -> Markup {
    let most = days.iter().flat_map(|(_, values)| values.iter().flatten()).max();
    let Some(most) = most else {
        return html! { p class="quiet-text pad" { "Nothing was delivered on these days." } };
    };
    // From 1 ms to the power of ten above the longest.
    let decades = (most.as_secs_f64() * 1_000.0).max(10.0).log10().ceil();
    let part = |value: Duration| (value.as_secs_f64() * 1_000.0).max(1.0).log10() / decades;
    let marks: Vec<_> = (0..=8)
        .filter(|decade| f64::from(*decade) <= decades)
        .map(|decade: u32| {
            let words = super::long(Duration::from_millis(10_u64.pow(decade)));
            (f64::from(decade) / decades, words)
        })
        .collect();
    let curves = [("half", 0), ("most", 1)].map(|(class, which)| Curve {
        class,
        points: days
            .iter()
            .map(|(_, values)| values[which].map(|value| (part(value), super::long(value))))
            .collect(),
    });
    curved(heading, &labels(days), &marks, &curves)
}

/// Which part of the messages that ended was delivered: how many of how many.
pub(super) fn rates(heading: &str, days: &[(String, (u64, u64))]) -> Markup {
    if days.iter().all(|(_, (_, ended))| *ended == 0) {
        return html! { p class="quiet-text pad" { "No message ended on these days." } };
    }
    let marks = [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")].map(|(part, words)| (part, words.to_owned()));
    let point = |(arrived, ended): (u64, u64)| {
        (ended > 0).then(|| (ratio(arrived, ended), super::rate(arrived, ended)))
    };
    let curve = Curve {
        class: "half",
        points: days.iter().map(|(_, numbers)| point(*numbers)).collect(),
    };
    curved(heading, &labels(days), &marks, &[curve])
}

fn labels<T>(days: &[(String, T)]) -> Vec<&str> {
    days.iter().map(|(day, _)| day.as_str()).collect()
}

fn curved(heading: &str, labels: &[&str], marks: &[(f64, String)], curves: &[Curve]) -> Markup {
    let step = (WIDTH - LEFT) / number(labels.len());
    let x = |index: usize| round(LEFT + step * (number(index) + 0.5));
    let y = |part: f64| round(ABOVE + HEIGHT * (1.0 - part));
    let inner = html! {
        @for curve in curves {
            @let found: Vec<_> = curve.points.iter().enumerate()
                .filter_map(|(index, point)| point.as_ref().map(|(part, words)| (x(index), y(*part), labels[index], words)))
                .collect();
            polyline class={ "line " (curve.class) } points=(found.iter().map(|(x, y, ..)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")) {}
            @for (x, y, day, words) in &found {
                circle class={ "point " (curve.class) } cx=(x) cy=(y) r="3" { title { (day) ": " (words) } }
            }
        }
        (days(labels.iter().copied(), step))
    };
    frame(heading, marks, inner)
}

/// The frame with a line for each mark, which says how far up it lies and what it stands for.
fn frame(heading: &str, marks: &[(f64, String)], inner: Markup) -> Markup {
    html! {
        div class="plotted" tabindex="0" role="group" aria-labelledby=(heading) {
        svg class="plot" role="img" aria-labelledby=(heading) viewBox={ "0 0 " (WIDTH) " " (ABOVE + HEIGHT + BELOW) } {
            @for (part, words) in marks {
                @let y = round(ABOVE + HEIGHT * (1.0 - part));
                line class="mark-line" x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                text class="mark-word" x=(LEFT - 8.0) y=(y) text-anchor="end" dominant-baseline="middle" { (words) }
            }
            (inner)
        } }
    }
}

/// The days below: as many as there is room for.
fn days<'a>(labels: impl ExactSizeIterator<Item = &'a str>, step: f64) -> Markup {
    let every = labels.len().div_ceil(8).max(1);
    html! {
        @for (index, label) in labels.enumerate() {
            @if index % every == 0 {
                text class="mark-word" x=(round(LEFT + step * (number(index) + 0.5))) y=(ABOVE + HEIGHT + 20.0) text-anchor="middle" {
                    (label.get(5..).unwrap_or(label))
                }
            }
        }
    }
}

/// The next number above that is easily read: 1, 2 or 4 with zeros.
fn ceiling(largest: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for times in [2, 4, 10] {
            let top = unit.saturating_mul(times);
            if top >= largest || top == u64::MAX {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// `12k` for 12 000.
fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    // Plots are a few hundred units high; more digits are not seen.
    #[expect(clippy::cast_precision_loss, reason = "a plot shows no more digits")]
    let (part, whole) = (part as f64, whole.max(1) as f64);
    part / whole
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A tenth of a unit is enough.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_numbers_that_are_easily_read() {
        let pairs = [
            (1, 2),
            (2, 2),
            (3, 4),
            (5, 10),
            (11, 20),
            (399, 400),
            (401, 1_000),
            (12_001, 20_000),
        ];
        for (largest, top) in pairs {
            assert_eq!(ceiling(largest), top, "{largest}");
        }
        assert_eq!(
            [0, 9_999, 12_400, 30_000_000].map(short),
            ["0", "9999", "12k", "30M"]
        );
    }

    #[test]
    fn columns_are_as_high_as_their_share_and_stand_on_each_other() {
        assert_eq!(
            stacked(&[50, 25], 100),
            [(ABOVE + 90.0, 90.0), (ABOVE + 45.0, 45.0)]
        );
        let bar = |parts| Bar {
            label: "2026-12-01".to_owned(),
            parts,
            words: "some".to_owned(),
        };
        let drawn = bars("id", &["a", "b"], &[bar([1, 0]), bar([0, 2])]).into_string();
        assert_eq!(drawn.matches("class=\"part ").count(), 2);
        assert!(drawn.contains("12-01") && drawn.contains("<title>some</title>"));
        assert!(
            bars("id", &["a", "b"], &[bar([0, 0])])
                .into_string()
                .contains("nothing")
        );
    }

    #[test]
    fn lines_leave_out_days_without_a_value() {
        let day = |millis: Option<u64>| ("2026-12-01".to_owned(), [millis.map(Duration::from_millis), None]);
        let drawn = latencies("id", &[day(Some(10)), day(None), day(Some(1_000))]).into_string();
        assert_eq!(drawn.matches("<circle").count(), 2);
        assert!(latencies("id", &[day(None)]).into_string().contains("Nothing"));
        let day = |numbers| ("2026-12-01".to_owned(), numbers);
        let drawn = rates("id", &[day((0, 0)), day((3, 4))]).into_string();
        assert_eq!(drawn.matches("<circle").count(), 1);
        assert!(drawn.contains("75.0 %"), "{drawn}");
        assert!(rates("id", &[day((0, 0))]).into_string().contains("No message"));
    }
}
