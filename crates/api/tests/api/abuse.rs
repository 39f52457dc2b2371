//! What nobody well-behaved sends: it is answered or cut off, costs little, and harms nobody else.

use std::sync::Arc;
use std::time::Duration;

use postern_api::{ApiConfig, ApiKeySecret, KeyKind};
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{TestApi, within};

/// The status of an answer as it came; 0 when the connection was closed without one.
fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.map_or(0, |status| status.parse().expect("a status"))
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_cut_off() {
    let api = TestApi::start().await;
    for bad in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let answer = api.raw(bad).await;
        let status = status(&answer);
        assert!((400..500).contains(&status), "{bad:?}: {answer}");
    }
    let probe = api.call_without_key(Method::GET, "/healthz").send().await;
    probe.expect(StatusCode::OK);
}

#[tokio::test]
async fn heads_end_somewhere() {
    let api = TestApi::start().await;
    let long = "a".repeat(200 << 10);
    let many: String = (0..2_000)
        .map(|number| format!("x-{number}: {number}\r\n"))
        .collect();
    for bad in [
        format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
    ] {
        let answer = api.cut_off(bad.as_bytes()).await;
        assert!(!(200..300).contains(&status(&answer)), "{answer}");
    }
    let probe = api.call_without_key(Method::GET, "/healthz").send().await;
    probe.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_never_finishes_a_head_is_cut_off_and_holds_up_nobody() {
    let api = TestApi::start().await;
    let slow = (0..200).map(|_| api.raw(b"GET /v1/devices HTTP/1.1\r\nHost: a\r\nX-Slow: "));
    let slow = futures_util::future::join_all(slow);
    let meanwhile = async {
        for _ in 0..20 {
            let probe = api.call_without_key(Method::GET, "/healthz").send().await;
            probe.expect(StatusCode::OK);
        }
    };
    // That they come to an end is the point.
    let (answers, ()) = futures_util::future::join(slow, meanwhile).await;
    assert!(
        answers.iter().all(|answer| matches!(status(answer), 0 | 408)),
        "{answers:?}"
    );
}

#[tokio::test]
async fn without_a_key_no_body_is_read() {
    let api = TestApi::start().await;
    let wrong = ApiKeySecret::generate(KeyKind::Live);
    for key in ["", wrong.expose()] {
        // The body never comes, and is not waited for.
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"
        );
        let answer = api.cut_off(request.as_bytes()).await;
        assert_eq!(status(&answer), 401, "{answer}");
        assert!(answer.contains("UNAUTHORIZED"), "{answer}");
    }
    // With one, what is too large is refused by what its head says.
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 900000000\r\nConnection: close\r\n\r\n",
        api.key.expose()
    );
    let answer = api.cut_off(request.as_bytes()).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
}

/// An API that waits for bodies next to no time, and where anybody may register.
async fn impatient() -> TestApi {
    let config = ApiConfig {
        body_deadline: Duration::from_millis(1),
        registration: Some("unlimited".to_owned()),
        ..ApiConfig::default()
    };
    TestApi::start_with(Arc::new(SystemClock), config).await
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let api = impatient().await;
    let key = format!("Authorization: Bearer {}\r\n", api.key.expose());
    for (path, key) in [("/v1/register", ""), ("/v1/devices", &key)] {
        for body in [
            "Content-Length: 100\r\n\r\n{",
            "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        ] {
            let request =
                format!("POST {path} HTTP/1.1\r\nHost: a\r\n{key}Content-Type: application/json\r\n{body}");
            let answer = api.cut_off(request.as_bytes()).await;
            assert_eq!(status(&answer), 408, "{answer}");
            assert!(answer.contains("REQUEST_TIMEOUT"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for_longer() {
    let api = impatient().await;
    let (mut reading, mut writing) = api.connect_raw().await.into_split();
    let head = "POST /v1/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                Content-Length: 200000\r\n\r\n";
    writing.write_all(head.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    {
        let read = reading.read_to_end(&mut answer);
        let write = async {
            let mut pace = tokio::time::interval(Duration::from_millis(1));
            while writing.write_all(b" ").await.is_ok() {
                pace.tick().await;
            }
            // The server is gone; what it said is being read.
            std::future::pending::<()>().await;
        };
        within(async {
            tokio::select! {
                read = read => drop(read),
                () = write => {}
            }
        })
        .await;
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(matches!(status(&answer), 0 | 408), "{answer}");
}

#[tokio::test]
async fn what_is_refused_before_its_body_is_read_is_not_read_on_for() {
    let api = TestApi::start().await;
    let request = "POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
    let answer = api.cut_off(request.as_bytes()).await;
    assert_eq!(status(&answer), 401, "{answer}");
}
