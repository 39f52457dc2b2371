//! The whole way in a real browser: the first owner, a device, its QR code as a camera sees it, a message, a broken link.

use postern_testkit::{TestDaemon, TestSandbox, eventually};
use serde_json::json;
use tokio::time::Instant;

use super::browser::{Browser, Scripts, in_browser};
use super::{OWNER_NAME, PASSWORD, printed_link};
use crate::{CONTACT, OWNER, postern};

#[tokio::test]
async fn an_operator_links_a_device_and_watches_it() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let link = printed_link(&daemon).await?;
    in_browser(Scripts::Run, async |browser| {
        become_the_owner(browser, &link).await?;
        link_a_device(browser, &network).await?;
        send_a_message(browser).await?;
        look_for_messages(browser, &network, &link).await?;
        break_the_link(browser, &network, &link).await?;
        log_the_device_out(browser).await?;
        browser.click(".self form button").await?;
        browser.sees("input[name=password]").await?;
        browser.examine("login").await
    })
    .await
}

async fn become_the_owner(browser: &Browser, link: &str) -> anyhow::Result<()> {
    browser.open(link).await?;
    browser.sees("#name").await?;
    browser.examine("setup").await?;
    browser.write("#name", OWNER_NAME).await?;
    browser.write("#password", PASSWORD).await?;
    browser.click("button[type=submit]").await?;
    browser.sees(".empty a[href='/devices/new']").await?;
    browser.examine("overview-empty").await
}

async fn link_a_device(browser: &Browser, network: &TestSandbox) -> anyhow::Result<()> {
    browser.click(".empty a[href='/devices/new']").await?;
    browser.write("#name", "Support line").await?;
    browser.click("main button[type=submit]").await?;
    browser.sees("svg.qr").await?;
    browser.examine("pairing").await?;
    browser.mark().await?;
    // A code that was renewed between the picture and the phone is no longer good.
    eventually("the phone takes the code on the page", || async {
        let code = browser.scan().await?;
        Ok(network.scan(OWNER, &code).await.ok())
    })
    .await?;
    browser.reads("[data-linked] h2", "Connected").await?;
    browser.is_still_marked().await?;
    browser.examine("pairing-linked").await
}

async fn send_a_message(browser: &Browser) -> anyhow::Result<()> {
    browser.click("[data-linked] a[href^='/messages/new']").await?;
    browser.write("#to", CONTACT).await?;
    browser
        .write("#body", "Your order 1234 is on its way. It arrives on Thursday.")
        .await?;
    browser.examine("compose").await?;
    browser.click("main button[type=submit]").await?;
    browser.sees(".progress").await?;
    browser.mark().await?;
    browser.sees(".progress li:nth-child(4).reached").await?;
    browser.is_still_marked().await?;
    browser.examine("message").await
}

async fn look_for_messages(browser: &Browser, network: &TestSandbox, link: &str) -> anyhow::Result<()> {
    let answer = "Great, thank you! Can it be left with the neighbour?";
    network.write(CONTACT, OWNER, answer).await?;
    browser.open(&address(link, "/messages")).await?;
    browser.sees(".message-row .received").await?;
    browser.mark().await?;
    browser.write("#q", "neighbour").await?;
    eventually("only what is looked for is listed", || async {
        let rows = browser.count(".message-row").await?;
        Ok((rows == 1).then_some(()))
    })
    .await?;
    browser.write("#q", "zebra").await?;
    browser.sees("#results .empty").await?;
    browser.is_still_marked().await?;
    browser.examine("messages-none").await
}

async fn break_the_link(browser: &Browser, network: &TestSandbox, link: &str) -> anyhow::Result<()> {
    browser.open(&address(link, "/devices")).await?;
    browser.click(".device-row").await?;
    browser.sees(".state-card.good").await?;
    browser.mark().await?;
    // Logins fail as well, so that the device does not come back while it is looked at.
    let unavailable = json!({ "code": 503, "count": 0 });
    let dropped = Instant::now();
    network.fault_with(OWNER, "login_failure", unavailable).await?;
    browser.sees(".state-card.warn").await?;
    println!(
        "measured: the page showed a dropped link after {} ms",
        dropped.elapsed().as_millis()
    );
    browser.examine("device-degraded").await?;
    network.clear_faults().await?;
    browser.sees(".state-card.good").await?;
    browser.is_still_marked().await
}

async fn log_the_device_out(browser: &Browser) -> anyhow::Result<()> {
    browser.click("#ask-logout").await?;
    browser.sees("#logout:popover-open").await?;
    browser.examine("device-question").await?;
    browser.click("#logout button[type=submit]").await?;
    browser.sees(".state-card.idle").await?;
    anyhow::ensure!(
        browser.path().await?.starts_with("/devices/dev_"),
        "it stays on the device's page"
    );
    browser.examine("device-unlinked").await
}

/// Where a path is on the daemon that printed the link.
fn address(link: &str, path: &str) -> String {
    let base = link.split_once("/setup").map_or(link, |(base, _)| base);
    format!("{base}{path}")
}
