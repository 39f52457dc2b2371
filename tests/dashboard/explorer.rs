//! The explorer of the API in a real browser, under its policy: it shows every operation, finds, and tries out.

use postern_testkit::eventually;

use super::browser::{Scripts, in_browser};
use super::with_owner;

#[tokio::test]
async fn the_explorer_shows_every_operation_and_tries_it_out() -> anyhow::Result<()> {
    let (_network, daemon, _owner) = with_owner().await?;
    let document = daemon.http().get("/openapi.json").await?.json()?;
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations: usize = paths.filter_map(|(_, item)| Some(item.as_object()?.len())).sum();
    in_browser(Scripts::Run, async |browser| {
        browser.open(&format!("{}/docs", daemon.http().base())).await?;
        browser.sees("main h1").await?;
        assert_eq!(browser.count("details.operation").await?, operations);
        browser.examine("explorer").await?;

        browser.write("#key", daemon.key()).await?;
        browser.write("#search", "getUsage").await?;
        eventually("one operation is found", || async {
            let found = browser.count("details.operation:not([hidden])").await?;
            Ok((found == 1).then_some(()))
        })
        .await?;
        browser.click("nav a[href='#getUsage']").await?;
        browser.click("#getUsage button[type=submit]").await?;
        browser.reads("#getUsage [aria-live] strong", "200 OK").await?;
        let answer = browser.text("#getUsage [aria-live] pre").await?;
        assert!(answer.contains("\"resetsAt\""), "{answer}");
        browser.examine("explorer-tried").await
    })
    .await
}
