//! The QR code in every form, and every reason why there is none.

use std::time::{Duration, Instant};

use postern_domain::DeviceId;
use postern_domain::port::Secret;
use postern_domain::session::Signal;
use postern_runtime::{Clock as _, SystemClock};
use postern_store::{CodeKind, ShownCode};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::TestApi;

/// As long as a real one.
const CODE: &str = "2@AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOp,\
    q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c=,m1n2b3v4c5x6z7l8k9j0h1g2f3d4s5a6p7o8i9u0y1t=,\
    r1e2w3q4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c=";

async fn pair(api: &TestApi) -> DeviceId {
    let device = api.unlinked_device().await;
    let answer = api
        .call(Method::POST, &format!("/v1/devices/{device}/pair"))
        .send()
        .await;
    answer.expect(StatusCode::ACCEPTED);
    device
}

async fn show(api: &TestApi, device: DeviceId, kind: CodeKind) {
    let now = SystemClock.now();
    let code = ShownCode {
        kind,
        code: Secret::new(CODE.to_owned()),
        expires_at: now.after(Duration::from_secs(600)),
    };
    let row = api
        .store
        .session_device(device)
        .await
        .expect("read")
        .expect("a device");
    let number = row.pairing.expect("pairing was asked for").number;
    api.store
        .show_code(device, number, code, now)
        .await
        .expect("shown");
    api.wakes.shown.ring(&device);
}

fn decode(width: usize, height: usize, dark: impl Fn(usize, usize) -> bool) -> String {
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| if dark(x, y) { 0 } else { 255 });
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().expect("readable").1
}

#[tokio::test]
async fn a_code_on_show_is_shown_to_its_workspace_alone() {
    let api = TestApi::start().await;
    let device = pair(&api).await;
    let stranger = api.another_workspace().await;
    for (kind, paths) in [
        (CodeKind::Qr, &["qr", "qr.png", "qr.json", "qr.svg", "qr.txt"][..]),
        (CodeKind::PairingCode, &["pairing-code"]),
    ] {
        show(&api, device, kind).await;
        for path in paths {
            let path = format!("/v1/devices/{device}/{path}");
            assert_eq!(api.get(&path).await.status, StatusCode::OK, "{path}");
            let foreign = api.call_as(&stranger, Method::GET, &path).send().await;
            foreign.expect_error(404, "NOT_FOUND");
        }
    }
    let now = SystemClock.now();
    let another = postern_domain::WorkspaceId::generate();
    let shown = api.store.shown_code(another, device, now).await;
    assert!(
        shown.expect("read").is_none(),
        "the query itself asks whose it is"
    );
}

#[tokio::test]
async fn every_form_shows_the_code() {
    let api = TestApi::start().await;
    let device = pair(&api).await;
    show(&api, device, CodeKind::Qr).await;
    let path = format!("/v1/devices/{device}/qr");
    for (extension, accept, content_type) in [
        ("png", "image/png", "image/png"),
        ("svg", "image/svg+xml", "image/svg+xml"),
        ("txt", "text/plain", "text/plain; charset=utf-8"),
        ("json", "application/json", "application/json"),
    ] {
        let by_extension = api.get(&format!("{path}.{extension}")).await;
        let by_accept = api.call(Method::GET, &path).header("Accept", accept).send().await;
        assert_eq!(by_extension.body, by_accept.body, "{extension}");
        for answer in [by_extension, by_accept] {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), content_type);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.header("qr-expires-at").ends_with('Z'));
        }
    }
    let json = api.get(&format!("{path}.json")).await;
    let expires_at = json.header("qr-expires-at").to_owned();
    let body = json.expect(StatusCode::OK);
    assert_eq!(body, serde_json::json!({ "code": CODE, "expiresAt": expires_at }));
    let anything = api.call(Method::GET, &path).header("Accept", "*/*").send().await;
    assert_eq!(anything.header("content-type"), "image/png");
    api.get(&format!("{path}.gif"))
        .await
        .expect_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_phone_can_read_the_png_at_any_size() {
    let api = TestApi::start().await;
    let device = pair(&api).await;
    show(&api, device, CodeKind::Qr).await;
    for (query, largest) in [("", 512), ("?size=128", 128), ("?size=1024", 1024)] {
        let png = api.get(&format!("/v1/devices/{device}/qr.png{query}")).await;
        let picture = image::load_from_memory(&png.body).expect("a PNG").to_luma8();
        let (width, height) = picture.dimensions();
        assert!(
            width == height && width <= largest && width > largest / 2,
            "{width} {largest}"
        );
        let row = |y: u32| (0..width).all(|x| picture.get_pixel(x, y).0[0] == 255);
        assert!(
            row(0) && row(3) && row(height - 1),
            "a quiet zone of four modules"
        );
        let dark = |x: usize, y: usize| {
            let (x, y) = (u32::try_from(x).expect("small"), u32::try_from(y).expect("small"));
            picture.get_pixel(x, y).0[0] == 0
        };
        let side = usize::try_from(width).expect("small");
        assert_eq!(decode(side, side, dark), CODE);
    }
}

#[tokio::test]
async fn the_svg_is_a_square_with_dark_modules_on_white() {
    let api = TestApi::start().await;
    let device = pair(&api).await;
    show(&api, device, CodeKind::Qr).await;
    let svg = api.get(&format!("/v1/devices/{device}/qr.svg?size=300")).await;
    let text = String::from_utf8(svg.body).expect("text");
    let box_of = text
        .split("viewBox=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a viewBox");
    let numbers: Vec<u32> = box_of
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert!(
        numbers[..2] == [0, 0] && numbers[2] == numbers[3] && (150..=300).contains(&numbers[2]),
        "{box_of}"
    );
    assert!(text.contains("fill=\"#fff\"") && text.contains("<path fill=\"#000\""));
    assert!(!text.contains("<script"));
}

#[tokio::test]
async fn a_terminal_shows_dark_on_light() {
    let api = TestApi::start().await;
    let device = pair(&api).await;
    show(&api, device, CodeKind::Qr).await;
    let answer = api.get(&format!("/v1/devices/{device}/qr.txt")).await;
    let text = String::from_utf8(answer.body).expect("text");
    let (start, end) = ("\u{1b}[38;5;16;48;5;231m", "\u{1b}[0m");
    let lines: Vec<Vec<char>> = text
        .lines()
        .map(|line| {
            let blocks = line.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            blocks.expect("colours around every line").chars().collect()
        })
        .collect();
    let width = lines[0].len();
    assert!(lines.iter().all(|line| line.len() == width));
    let scale = 4;
    let dark = |x: usize, y: usize| {
        let (x, y) = (x / scale, y / scale);
        let block = lines[y / 2][x];
        block == '█' || block == if y % 2 == 0 { '▀' } else { '▄' }
    };
    assert_eq!(decode(width * scale, lines.len() * 2 * scale, dark), CODE);
    assert_eq!(postern_api::qr::terminal(CODE).expect("drawn"), text);
}

#[tokio::test]
async fn without_a_code_the_answer_says_why() {
    let api = TestApi::start().await;
    let qr = |device: DeviceId| format!("/v1/devices/{device}/qr.json");

    let unlinked = api.unlinked_device().await;
    let message = api.get(&qr(unlinked)).await.expect_error(409, "INVALID_STATE");
    assert!(
        message.contains(&format!("POST /v1/devices/{unlinked}/pair")),
        "{message}"
    );
    // No code will come, however long the caller would wait.
    let started = Instant::now();
    api.get(&format!("{}?wait=60", qr(unlinked)))
        .await
        .expect_error(409, "INVALID_STATE");
    assert!(started.elapsed() < Duration::from_secs(60));

    let connected = api.connected_device().await;
    let message = api.get(&qr(connected)).await.expect_error(409, "INVALID_STATE");
    assert!(message.contains("linked already"), "{message}");

    let pairing = pair(&api).await;
    let answer = api.get(&format!("{}?wait=0", qr(pairing))).await;
    answer.expect_error(404, "QR_NOT_READY");
    assert_eq!(answer.header("retry-after"), "1");

    show(&api, pairing, CodeKind::PairingCode).await;
    let message = api.get(&qr(pairing)).await.expect_error(409, "INVALID_STATE");
    assert!(message.contains("typed in"), "{message}");

    let expired = pair(&api).await;
    show(&api, expired, CodeKind::Qr).await;
    let end = api
        .store
        .end_pairing(expired, 1, Signal::CodesExhausted, SystemClock.now());
    end.await.expect("ended");
    let message = api.get(&qr(expired)).await.expect_error(409, "INVALID_STATE");
    assert!(message.contains("qr_expired"), "{message}");
}

#[tokio::test]
async fn the_first_code_is_waited_for() {
    let api = TestApi::start().await;
    let device = pair(&api).await;
    let path = format!("/v1/devices/{device}/qr.json?wait=60");
    let (answer, ()) = tokio::join!(api.get(&path), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        show(&api, device, CodeKind::Qr).await;
    });
    assert_eq!(answer.expect(StatusCode::OK)["code"], CODE);
}

#[tokio::test]
async fn whoever_waits_is_answered_when_it_is_linked_removed_or_the_daemon_stops() {
    let api = TestApi::start().await;
    let later = || tokio::time::sleep(Duration::from_millis(100));
    let wait = |device: DeviceId| format!("/v1/devices/{device}/qr?wait=60");

    let linked = pair(&api).await;
    let path = wait(linked);
    let (answer, ()) = tokio::join!(api.get(&path), async {
        later().await;
        api.connect(linked).await;
    });
    answer.expect_error(409, "INVALID_STATE");

    let removed = pair(&api).await;
    let path = wait(removed);
    let (answer, _) = tokio::join!(api.get(&path), async {
        later().await;
        api.call(Method::DELETE, &format!("/v1/devices/{removed}"))
            .send()
            .await
    });
    answer.expect_error(404, "NOT_FOUND");

    let waiting = pair(&api).await;
    let path = wait(waiting);
    let (answer, ()) = tokio::join!(api.get(&path), async {
        later().await;
        api.stop.pull();
    });
    answer.expect_error(404, "QR_NOT_READY");
}

#[tokio::test]
async fn a_pairing_code_is_asked_for_and_waited_for() {
    let api = TestApi::start().await;
    let device = api.unlinked_device().await;
    let path = format!("/v1/devices/{device}/pairing-code");
    api.post(&path, &json!({ "phone": "12" }))
        .await
        .expect_fields(&["phone"]);
    api.post(&path, &json!({})).await.expect_fields(&["phone"]);
    api.get(&path).await.expect_error(409, "INVALID_STATE");

    let body = json!({ "phone": "+15557654321" });
    let later = api.post(&format!("{path}?wait=0"), &body).await;
    assert_eq!(
        later.expect(StatusCode::ACCEPTED),
        json!({ "code": null, "expiresAt": null })
    );
    api.get(&format!("{path}?wait=0"))
        .await
        .expect_error(404, "PAIRING_CODE_NOT_READY");
    let row = api
        .store
        .session_device(device)
        .await
        .expect("read")
        .expect("a device");
    let request = row.pairing.expect("a request");
    assert_eq!(
        request.phone.map(|phone| phone.to_string()).as_deref(),
        Some("+15557654321")
    );
    let code = ShownCode {
        kind: CodeKind::PairingCode,
        code: Secret::new("K7QM2XRD".to_owned()),
        expires_at: SystemClock.now().after(Duration::from_secs(180)),
    };
    let (answer, ()) = tokio::join!(api.get(&path), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let shown = api
            .store
            .show_code(device, request.number, code, SystemClock.now());
        shown.await.expect("shown");
        api.wakes.shown.ring(&device);
    });
    assert_eq!(answer.expect(StatusCode::OK)["code"], "K7QM-2XRD");
    assert_eq!(answer.header("cache-control"), "no-store");
    // A new request takes it off show.
    api.post(&format!("{path}?wait=0"), &body)
        .await
        .expect(StatusCode::ACCEPTED);
    api.connect(device).await;
    api.post(&path, &body).await.expect_error(409, "INVALID_STATE");
}

#[tokio::test]
async fn a_code_that_whatsapp_refuses_is_asked_for_again_later() {
    let api = TestApi::start().await;
    let device = api.unlinked_device().await;
    let path = format!("/v1/devices/{device}/pairing-code");
    let body = json!({ "phone": "+15557654321" });
    let (answer, ()) = tokio::join!(api.post(&path, &body), async {
        loop {
            let row = api.store.session_device(device).await.expect("read");
            if row.expect("a device").pairing.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ended = api
            .store
            .end_pairing(device, 1, Signal::PairingFailed, SystemClock.now());
        ended.await.expect("ended");
        api.wakes.shown.ring(&device);
    });
    answer.expect_error(503, "WHATSAPP_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "30");
}
