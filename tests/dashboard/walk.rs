//! The whole way in a real browser: the first owner, a device, its QR code as a camera sees it, a message, a broken link.

use postern_testkit::{TestDaemon, TestSandbox, eventually};
use serde_json::json;

use super::browser::Browser;
use super::{OWNER_NAME, PASSWORD, printed_link};
use crate::{CONTACT, OWNER, postern};

#[tokio::test]
async fn an_operator_links_a_device_and_watches_it() -> anyhow::Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let link = printed_link(&daemon).await?;

    become_the_owner(&browser, &link).await?;
    link_a_device(&browser, &network).await?;
    send_a_message(&browser).await?;
    look_around(&browser, &network, &link).await?;
    break_the_link(&browser, &network).await?;
    log_the_device_out(&browser).await?;
    assert_eq!(
        browser.errors().await?,
        Vec::<String>::new(),
        "the console is quiet"
    );

    browser.click(".self form button").await?;
    browser.sees("input[name=password]").await?;
    browser.shoot("login").await?;
    browser.close().await
}

async fn become_the_owner(browser: &Browser, link: &str) -> anyhow::Result<()> {
    browser.open(link).await?;
    browser.sees("#name").await?;
    browser.shoot("setup").await?;
    browser.write("#name", OWNER_NAME).await?;
    browser.write("#password", PASSWORD).await?;
    browser.click("button[type=submit]").await?;
    browser.sees(".empty a[href='/devices/new']").await?;
    browser.shoot("overview-empty").await
}

async fn link_a_device(browser: &Browser, network: &TestSandbox) -> anyhow::Result<()> {
    browser.click(".empty a[href='/devices/new']").await?;
    browser.sees("#name").await?;
    browser.shoot("device-new").await?;
    browser.write("#name", "Support line").await?;
    browser.click("main button[type=submit]").await?;
    browser.sees("svg.qr").await?;
    browser.shoot("pairing").await?;
    browser.mark().await?;
    let code = browser.scan().await?;
    network.scan(OWNER, &code).await?;
    browser.sees("[data-linked]").await?;
    eventually("it says connected", || async {
        let words = browser.find("[data-linked] h2").await?.text().await;
        Ok(words.ok().filter(|words| words == "Connected"))
    })
    .await?;
    anyhow::ensure!(
        browser.is_marked().await?,
        "the page turned without being loaded anew"
    );
    browser.shoot("linked").await
}

async fn send_a_message(browser: &Browser) -> anyhow::Result<()> {
    browser.click("[data-linked] a[href^='/messages/new']").await?;
    browser.write("#to", CONTACT).await?;
    browser
        .write("#body", "Your order 1234 is on its way. It arrives on Thursday.")
        .await?;
    browser.shoot("compose").await?;
    browser.click("main button[type=submit]").await?;
    browser.sees(".progress").await?;
    browser.mark().await?;
    browser.sees(".progress li:nth-child(4).reached").await?;
    anyhow::ensure!(
        browser.is_marked().await?,
        "the steps came without the page being loaded anew"
    );
    browser.shoot("message").await
}

async fn look_around(browser: &Browser, network: &TestSandbox, link: &str) -> anyhow::Result<()> {
    let base = link.split_once("/setup").map_or("", |(base, _)| base);
    network
        .write(
            CONTACT,
            OWNER,
            "Great, thank you! Can it be left with the neighbour?",
        )
        .await?;
    browser.open(&format!("{base}/messages")).await?;
    browser.sees(".message-row .received").await?;
    browser.shoot("messages").await?;
    browser.mark().await?;
    browser.write("#q", "neighbour").await?;
    eventually("only what is looked for is listed", || async {
        let rows = browser.count(".message-row").await?;
        Ok((rows == 1).then_some(()))
    })
    .await?;
    anyhow::ensure!(browser.is_marked().await?, "looking loads no page");
    browser.write("#q", "zebra").await?;
    browser.sees("#results .empty").await?;
    browser.shoot("messages-none").await?;
    for (path, wanted, name) in [
        ("/", ".tiles", "overview"),
        ("/devices", ".device-row", "devices"),
        ("/sandbox", ".bubble", "sandbox"),
        ("/activity", "tbody tr", "activity"),
        ("/people", ".people .row", "people"),
        ("/account", "#current", "account"),
        ("/devices/dev_nothing", ".empty", "nothing"),
    ] {
        browser.open(&format!("{base}{path}")).await?;
        browser.sees(wanted).await?;
        browser.shoot(name).await?;
    }
    // That page is answered with 404, which the browser notes.
    let noted = browser.errors().await?;
    anyhow::ensure!(noted.len() == 1 && noted[0].contains("404"), "{noted:?}");
    browser.open(&format!("{base}/devices")).await?;
    browser.click(".device-row").await?;
    browser.sees(".state-card.good").await?;
    browser.shoot("device").await
}

async fn break_the_link(browser: &Browser, network: &TestSandbox) -> anyhow::Result<()> {
    browser.mark().await?;
    let unavailable = json!({ "code": 503, "count": 0 });
    network.fault_with(OWNER, "login_failure", unavailable).await?;
    browser.sees(".state-card.warn").await?;
    browser.shoot("device-degraded").await?;
    network.clear_faults().await?;
    browser.sees(".state-card.good").await?;
    anyhow::ensure!(
        browser.is_marked().await?,
        "the page turned without being loaded anew"
    );
    Ok(())
}

async fn log_the_device_out(browser: &Browser) -> anyhow::Result<()> {
    browser.click("#ask-logout").await?;
    browser.sees("#logout:popover-open").await?;
    browser.shoot("device-question").await?;
    browser.click("#logout button[type=submit]").await?;
    browser.sees(".state-card.idle").await?;
    anyhow::ensure!(
        browser.path().await?.starts_with("/devices/dev_"),
        "it stays on the device's page"
    );
    browser.shoot("device-unlinked").await
}
