//! What is rendered, against the table of metrics and the documentation.

use std::sync::Arc;

use postern_api::RequestMeters;
use postern_domain::Timestamp;
use postern_store::{KeyStore, KeyStoreOptions, Store, StoreOptions};
use postern_webhooks::WebhookMeters;
use tempfile::TempDir;

use super::Metrics;
use super::families::ALL;
use super::family::Kind;

fn fresh() -> (Metrics, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = StoreOptions::new(folder.path());
    let metrics = Metrics {
        store: Store::open(&options).expect("opens"),
        keys: KeyStore::open(&KeyStoreOptions::new(folder.path().join("keys.db"))).expect("opens"),
        requests: Arc::<RequestMeters>::default(),
        webhooks: Arc::<WebhookMeters>::default(),
        data: folder.path().to_owned(),
        started: Timestamp::from_millis(1_500),
        levels: tokio::sync::Mutex::default(),
    };
    (metrics, folder)
}

#[tokio::test]
async fn everything_in_the_table_is_rendered_in_its_order_and_once() {
    let (metrics, _folder) = fresh();
    let text = metrics.render().await.expect("text");
    let typed: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let expected: Vec<_> = ALL
        .iter()
        .map(|about| format!("{} {}", about.name, about.kind.name()))
        .collect();
    if cfg!(target_os = "linux") {
        assert_eq!(typed, expected);
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("process_start_time_seconds 1.5\n"), "{text}");
    assert!(text.contains("postern_tables_readable 1.0\n"), "{text}");
}

#[tokio::test]
async fn a_store_that_is_gone_takes_only_its_levels_away() {
    let (metrics, _folder) = fresh();
    metrics.store.close().await;
    let text = metrics.render().await.expect("text");
    assert!(text.contains("postern_tables_readable 0.0\n"), "{text}");
    assert!(!text.contains("postern_outbox_messages"), "{text}");
    assert!(text.contains("postern_messages_accepted_total 0\n"), "{text}");
}

#[test]
fn no_label_could_name_somebody() {
    let allowed = [
        "version", "sandbox", "status", "code", "lane", "state", "method", "route", "outcome", "database",
        "file",
    ];
    for about in ALL {
        assert!(
            about.labels.iter().all(|label| allowed.contains(label)),
            "{about:?}"
        );
    }
}

#[test]
fn the_documentation_lists_every_metric_and_no_other() {
    let page = include_str!("../../../../docs/observability.md");
    let metrics = page.split("\n## Probes").next().unwrap_or_default();
    let listed: Vec<_> = metrics.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<_> = ALL
        .iter()
        .map(|about| {
            let suffix = if about.kind == Kind::Counter { "_total" } else { "" };
            let labels: Vec<_> = about.labels.iter().map(|label| format!("`{label}`")).collect();
            let (name, kind, help) = (about.name, about.kind.name(), about.help);
            format!("| `{name}{suffix}` | {kind} | {} | {help} |", labels.join(", "))
        })
        .collect();
    assert_eq!(listed, expected, "docs/observability.md");
}

/// The names of metrics in a text, without what histograms and counters append to theirs.
fn named(text: &str) -> Vec<&str> {
    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    words
        .filter(|word| word.starts_with("postern_") || word.starts_with("process_"))
        .map(|word| {
            let suffixes = ["_bucket", "_sum", "_count", "_total"];
            let base = suffixes.iter().find_map(|suffix| word.strip_suffix(suffix));
            base.unwrap_or(word)
        })
        .collect()
}

#[test]
fn the_dashboard_and_the_alerts_name_only_what_there_is() {
    let dashboard = include_str!("../../../../deploy/grafana/postern.json");
    let parsed: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
    assert!(
        parsed["panels"]
            .as_array()
            .is_some_and(|panels| panels.len() > 10)
    );
    let alerts = include_str!("../../../../deploy/prometheus/alerts.yml");
    for (what, text) in [("the dashboard", dashboard), ("the alerts", alerts)] {
        let named = named(text);
        assert!(named.len() > 10, "{what}");
        for name in named {
            assert!(ALL.iter().any(|about| about.name == name), "{what} names {name}");
        }
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let shown = named(include_str!("../../../../deploy/grafana/postern.json"));
    for about in ALL {
        assert!(shown.contains(&about.name), "{}", about.name);
    }
}
