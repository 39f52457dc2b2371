//! Traces: a collector on this machine gets spans of what was done, and learns nobody's number and no text from them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use postern_testkit::{DaemonOptions, Received, Reply, TestDaemon, TestSandbox, WebhookSink, eventually};
use prost::Message as _;
use serde_json::json;

use crate::{CONTACT, OWNER, postern};

/// The spans of every request that the collector got.
fn spans(collector: &WebhookSink) -> anyhow::Result<Vec<Span>> {
    let mut spans = Vec::new();
    for request in collector.received() {
        let export = ExportTraceServiceRequest::decode(request.body.as_slice())?;
        let scopes = export.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        spans.extend(scopes.flat_map(|scope| scope.spans));
    }
    Ok(spans)
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Takes what exporters send, as collectors do.
async fn collector() -> anyhow::Result<WebhookSink> {
    let collector = WebhookSink::start().await?;
    collector.behave(|_request: &Received| Reply::status(200));
    Ok(collector)
}

#[tokio::test]
async fn what_is_done_reaches_the_collector_without_numbers_and_texts() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let (collector, endpoint) = (collector().await?, WebhookSink::start().await?);
    let options = DaemonOptions::default()
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url("/"))
        .set("WEBHOOKS__ALLOW", "127.0.0.1")
        .set("WEBHOOKS__ALLOW_HTTP", "true");
    let mut daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let webhook = json!({ "url": endpoint.url("/hook") });
    daemon.http().post("/v1/webhooks", &webhook).await?.ok()?;
    endpoint.behave(|_request| Reply::status(500));
    let device = daemon.link_device(&network, OWNER).await?;
    let message = daemon
        .send_text(&device, CONTACT, "between the two of us")
        .await?;
    daemon.message_reaches(&message, "read").await?;

    let wanted = ["POST /v1/messages", "message.send", "webhook.deliver"];
    let all = eventually("every kind of span arrives", || async {
        let all = spans(&collector)?;
        let there = |name: &&str| all.iter().any(|span| span.name == **name);
        Ok(wanted.iter().all(there).then_some(all))
    })
    .await?;
    let of = |name: &str| all.iter().find(|span| span.name == name).expect("it is there");
    let posted = of("POST /v1/messages");
    assert_eq!(attribute(posted, "http.route").as_deref(), Some("/v1/messages"));
    assert_eq!(
        attribute(posted, "http.response.status_code").as_deref(),
        Some("202")
    );
    let sent = of("message.send");
    assert_eq!(attribute(sent, "message.id").as_deref(), Some(message.as_str()));
    assert_eq!(attribute(sent, "device.id").as_deref(), Some(device.as_str()));
    let delivered = of("webhook.deliver");
    assert_eq!(attribute(delivered, "webhook.failure").as_deref(), Some("status"));

    // The last ones come with the end.
    assert_eq!(daemon.terminate().await?, Some(0));
    let request = &collector.received()[0];
    assert_eq!(request.path, "/v1/traces");
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    for request in collector.received() {
        let text = String::from_utf8_lossy(&request.body);
        for secret in [
            OWNER.trim_start_matches('+'),
            CONTACT.trim_start_matches('+'),
            "between the two of us",
            daemon.key(),
        ] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_collector_that_fails_holds_nothing_up() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let broken = collector().await?;
    broken.behave(|_request| Reply::status(500));
    let options = DaemonOptions::default().set("TELEMETRY__OTLP_ENDPOINT", &broken.url(""));
    let mut daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    eventually("it was tried", || async {
        Ok((broken.count() > 0).then_some(()))
    })
    .await?;
    let message = daemon.send_text(&device, CONTACT, "all the same").await?;
    daemon.message_reaches(&message, "read").await?;
    assert_eq!(daemon.terminate().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for (key, value) in [
        ("POSTERN_TELEMETRY__OTLP_ENDPOINT", "collector:4317"),
        ("POSTERN_TELEMETRY__SAMPLE_PERCENT", "101"),
    ] {
        let mut command = postern().command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        let output = command.arg(folder.path()).env(key, value).output().await?;
        assert_eq!(output.status.code(), Some(2), "{key}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("telemetry."), "{said}");
    }
    Ok(())
}
