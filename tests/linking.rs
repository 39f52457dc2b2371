//! From a new device to a connected one: states, QR codes in every form, refusals, removal.

use postern_testkit::{TestDaemon, TestSandbox, eventually};
use reqwest::Method;
use serde_json::json;

use crate::{OWNER, linked, postern};

#[tokio::test]
async fn a_device_goes_from_unlinked_over_pairing_to_connected() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.create_device().await?;
    let created = daemon.device_becomes(&device, "unlinked").await?;
    assert_eq!(created["reason"], "new");
    assert_eq!(created["account"], json!(null));

    let qr = daemon.pairing_qr(&device).await?;
    daemon.device_becomes(&device, "pairing").await?;
    network.scan(OWNER, &qr).await?;
    let connected = daemon.device_becomes(&device, "connected").await?;
    assert_eq!(connected["account"]["phone"], OWNER);

    let gone = daemon.http().get(&format!("/v1/devices/{device}/qr")).await?;
    assert_eq!(gone.status, 409, "no code is on show once it is linked");
    let again = daemon
        .http()
        .post(&format!("/v1/devices/{device}/pair"), &json!({}))
        .await?;
    assert_eq!(again.status, 409, "pairing must not kill a working session");
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn the_qr_code_is_the_same_in_every_form() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.create_device().await?;
    let none = daemon.http().get(&format!("/v1/devices/{device}/qr")).await?;
    assert_eq!(none.status, 409, "nobody asked for pairing");
    let code = daemon.pairing_qr(&device).await?;

    let png = daemon.http().get(&format!("/v1/devices/{device}/qr.png")).await?;
    assert_eq!(png.header("content-type"), "image/png");
    assert!(png.header("cache-control").contains("no-store"));
    let picture = image::load_from_memory(&png.body)?.to_luma8();
    let (width, height) = picture.dimensions();
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width.try_into()?, height.try_into()?, |x, y| {
            u32::try_from(x)
                .ok()
                .zip(u32::try_from(y).ok())
                .map_or(255, |(x, y)| picture.get_pixel(x, y).0[0])
        });
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1);
    assert_eq!(grids[0].decode()?.1, code);

    let request = daemon
        .http()
        .request(Method::GET, &format!("/v1/devices/{device}/qr"));
    let svg = daemon
        .http()
        .send(request.header("Accept", "image/svg+xml"))
        .await?;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    let terminal = daemon.http().get(&format!("/v1/devices/{device}/qr.txt")).await?;
    assert!(terminal.header("content-type").starts_with("text/plain"));
    assert!(String::from_utf8(terminal.body)?.contains('█'));

    network.scan(OWNER, &grids[0].decode()?.1).await?;
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn a_qr_code_that_is_none_is_refused_by_the_sandbox() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    for junk in ["", "hello", "a,b,c,d", "2@x,!!!,###,%%%,1"] {
        let answer = network
            .http()
            .post(&format!("/phones/{OWNER}/scan"), &json!({ "qr": junk }))
            .await?;
        assert_eq!(answer.status, 400, "{junk:?}");
        assert_eq!(answer.json()?["error"]["details"][0]["field"], "qr", "{junk:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_account_is_linked_to_one_device_only() -> anyhow::Result<()> {
    let (network, daemon, first) = linked().await?;
    let second = daemon.create_device().await?;
    let qr = daemon.pairing_qr(&second).await?;
    network.scan(OWNER, &qr).await?;
    let refused = daemon.device_becomes(&second, "unlinked").await?;
    assert_eq!(refused["reason"], "account_in_use");
    daemon.device_becomes(&first, "connected").await?;
    daemon.pair(&network, &second, "+4915187654321").await?;
    Ok(())
}

#[tokio::test]
async fn a_device_unlinked_by_its_phone_says_so_and_can_be_linked_again() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network
        .http()
        .post(&format!("/phones/{OWNER}/unlink"), &json!({}))
        .await?
        .ok()?;
    let unlinked = daemon.device_becomes(&device, "unlinked").await?;
    assert_eq!(unlinked["reason"], "logged_out");
    let refused = daemon
        .http()
        .post(
            "/v1/messages",
            &postern_testkit::text(&device, crate::CONTACT, "hi"),
        )
        .await?;
    assert_eq!(refused.status, 424);
    assert_eq!(refused.json()?["error"]["code"], "SESSION_DISCONNECTED");
    daemon.pair(&network, &device, OWNER).await?;
    let message = daemon.send_text(&device, crate::CONTACT, "again").await?;
    daemon.message_reaches(&message, "read").await?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_device_is_logged_out_and_gone() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let message = daemon.send_text(&device, crate::CONTACT, "kept").await?;
    daemon.message_reaches(&message, "read").await?;
    assert_eq!(
        daemon
            .http()
            .delete(&format!("/v1/devices/{device}"))
            .await?
            .status,
        204
    );
    assert_eq!(
        daemon.http().get(&format!("/v1/devices/{device}")).await?.status,
        404
    );
    assert_eq!(
        daemon
            .http()
            .delete(&format!("/v1/devices/{device}"))
            .await?
            .status,
        404
    );
    assert_eq!(
        daemon
            .http()
            .get(&format!("/v1/messages/{message}"))
            .await?
            .status,
        200,
        "its messages stay"
    );
    // The account is free for another device once the old link is gone.
    let other = daemon.create_device().await?;
    eventually("the account can be linked again", || async {
        let qr = daemon.pairing_qr(&other).await?;
        network.scan(OWNER, &qr).await?;
        Ok(Some(()))
    })
    .await?;
    daemon.device_becomes(&other, "connected").await?;
    Ok(())
}
