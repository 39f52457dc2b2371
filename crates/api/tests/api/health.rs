//! The probes: what makes the gateway not ready, and that each reason has its name.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use postern_api::ApiConfig;
use postern_domain::{BatchId, Content, DeviceId, MessageId, StanzaId, Timestamp};
use postern_runtime::{ManualClock, Tasks};
use postern_store::{NewBatch, NewMessage};
use reqwest::{Method, StatusCode};

use crate::harness::{Answer, TestApi, text_to, within};

const NOON: Timestamp = Timestamp::from_millis(1_796_126_400_000);

async fn probe(api: &TestApi) -> Answer {
    api.call_without_key(Method::GET, "/readyz").send().await
}

async fn becomes_ready(api: &TestApi) {
    within(async { while probe(api).await.status != StatusCode::OK {} }).await;
}

#[tokio::test]
async fn a_gateway_that_was_told_to_stop_serves_on_and_says_so() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    api.draining.pull();
    probe(&api).await.expect_error(503, "STOPPING");
    let probe = api.call_without_key(Method::GET, "/healthz").send().await;
    probe.expect(StatusCode::OK);
    let sent = api.post("/v1/messages", &text_to(device, "hi")).await;
    sent.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_part_that_has_stopped_is_named() {
    let api = TestApi::start().await;
    probe(&api).await.expect(StatusCode::OK);
    api.vital.pull();
    let not_ready = async {
        loop {
            let answer = probe(&api).await;
            if answer.status != StatusCode::OK {
                break answer;
            }
        }
    };
    let message = within(not_ready).await.expect_error(503, "PART_STOPPED");
    assert!(message.contains("\"a vital part\""), "{message}");
}

#[tokio::test]
async fn a_writer_that_does_not_answer_is_stuck_until_it_does() {
    let config = ApiConfig {
        probe_deadline: Duration::from_millis(100),
        ..ApiConfig::default()
    };
    let clock = Arc::new(ManualClock::default());
    clock.set(NOON);
    let api = TestApi::start_with(Arc::<ManualClock>::clone(&clock), config).await;
    let device = api.connected_device().await;
    becomes_ready(&api).await;
    let (release, released) = sync_channel::<()>(0);
    let released = std::sync::Mutex::new(released);
    // The answer to a batch is written inside of its transaction, by the thread that writes everything.
    let held = api.store.accept_batch(
        batch(&api, device),
        None,
        move |_refused| {
            released.lock().expect("no panic").recv().ok();
            Ok(Vec::new())
        },
        NOON,
    );
    let probes = within(async {
        let mut written = NOON;
        loop {
            let now = written.after(Duration::from_secs(1));
            clock.set(now);
            let answer = probe(&api).await;
            if answer.status == StatusCode::OK {
                written = now;
                continue;
            }
            // On a machine that has much to do it may be the read.
            let message = answer.expect_error(503, "STORAGE_STUCK");
            if message.contains("a write was not answered") {
                break;
            }
        }
        // What committed a moment ago speaks for the next: not every probe is a write.
        clock.set(written.after(Duration::from_millis(999)));
        becomes_ready(&api).await;
        clock.set(written.after(Duration::from_secs(10)));
        drop(release);
    });
    let (accepted, ()) = tokio::join!(held, probes);
    accepted.expect("accepted in the end");
    becomes_ready(&api).await;
}

fn batch(api: &TestApi, device: DeviceId) -> NewBatch {
    let message = NewMessage {
        id: MessageId::generate(),
        workspace: api.workspace,
        device,
        to: "+15551234567".parse().expect("an address"),
        content: Content::Text {
            body: "held".to_owned(),
        },
        stanza: StanzaId::generate(),
        metadata: None,
        client_reference: None,
        scheduled_for: None,
        queue_if_disconnected: false,
    };
    NewBatch {
        id: BatchId::generate(),
        workspace: api.workspace,
        messages: vec![message],
        refused: 0,
        partial: false,
    }
}

#[tokio::test]
async fn until_there_is_an_api_only_the_liveness_probe_is_content() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let kept = listener.try_clone().expect("a clone");
    let starting = postern_api::starting(kept).expect("a server");
    let handle = starting.handle();
    drop(Tasks::new().spawn("starting", starting));
    // Builds with no provider of its own.
    drop(rustls::crypto::ring::default_provider().install_default());
    let get = |path: &str| reqwest::get(format!("{url}{path}"));
    let alive = get("/healthz").await.expect("an answer");
    assert_eq!(alive.status(), StatusCode::OK);
    let head = reqwest::Client::new().head(format!("{url}/healthz"));
    assert_eq!(head.send().await.expect("an answer").status(), StatusCode::OK);
    for path in ["/readyz", "/v1/messages", "/nowhere"] {
        let answer = get(path).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers()["retry-after"], "1");
        let body: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], "STARTING");
    }
    handle.stop(true).await;
    // Whoever comes now waits for the API instead of being refused.
    let waiting = std::net::TcpStream::connect(listener.local_addr().expect("an address"));
    assert!(waiting.is_ok());
}
