//! Webhooks in a real browser: one is added and shows its secret once, a delivery is read and sent again.

use postern_testkit::{Received, eventually};

use super::browser::{Scripts, in_browser};
use super::lived_in::LivedIn;

#[tokio::test]
async fn a_delivery_is_sent_again_from_its_page() -> anyhow::Result<()> {
    let house = LivedIn::start().await?;
    in_browser(Scripts::Run, async |browser| {
        house.log_in(browser).await?;
        house.open(browser, "/webhooks/new").await?;
        browser.write("#url", &house.sink.url("/second")).await?;
        browser.click("main button[type=submit]").await?;
        browser.sees("input[readonly][value^='whsec_']").await?;
        browser.examine("webhook-secret").await?;

        let delivery = format!("/webhooks/{}/events/{}", house.webhook, house.event);
        house
            .open(browser, &format!("/webhooks/{}", house.webhook))
            .await?;
        browser.click(&format!("a[href^='{delivery}']")).await?;
        let before = deliveries(&house);
        browser.click("form[action$='/again'] button").await?;
        let after = eventually("the endpoint got it again", || async {
            let after = deliveries(&house);
            Ok((after.len() > before.len()).then_some(after))
        })
        .await?;
        let (first, last) = (&after[0], &after[after.len() - 1]);
        anyhow::ensure!(first.body == last.body, "another body came under the same id");
        anyhow::ensure!(first.header("webhook-timestamp") <= last.header("webhook-timestamp"));
        browser.sees(".notice").await
    })
    .await
}

/// What the first webhook got of the event.
fn deliveries(house: &LivedIn) -> Vec<Received> {
    let got = house.sink.received().into_iter();
    got.filter(|got| got.path == "/hook" && got.id() == house.event)
        .collect()
}
