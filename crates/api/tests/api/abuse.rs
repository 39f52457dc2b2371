//! What nobody well-behaved sends: it is answered or cut off, costs little, and harms nobody else.

use postern_api::{ApiKeySecret, KeyKind};
use reqwest::{Method, StatusCode};

use crate::harness::TestApi;

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
