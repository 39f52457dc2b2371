//! Every page of the table of routes in a real browser: accessible in each look, quiet, at home, and there without scripts.

use postern_dashboard::{Need, Route};

use super::browser::{Scripts, in_browser};
use super::lived_in::LivedIn;

/// What a page is made of but for what is alive in it.
const BONES: &str = "main :is(h1, h2, legend, dt, th):not(.live *)";
/// What is alive in it.
const ALIVE: &str = ".live > .stack > *";

#[tokio::test]
async fn every_page_is_for_everybody_and_asks_nobody_else() -> anyhow::Result<()> {
    let house = LivedIn::start().await?;
    in_browser(Scripts::Run, async |browser| {
        house.open(browser, "/login").await?;
        anyhow::ensure!(
            !browser.requests().await?.is_empty(),
            "it is noticed what pages ask for"
        );
        let mut findings = Vec::new();
        let (outside, inside): (Vec<_>, Vec<_>) =
            LivedIn::pages().partition(|route| route.need == Need::Nobody);
        for route in outside {
            findings.extend(house.visit(browser, &name(route), &house.path(route)?).await?);
        }
        house.log_in(browser).await?;
        for route in inside {
            findings.extend(house.visit(browser, &name(route), &house.path(route)?).await?);
        }
        for (name, path) in house.others() {
            findings.extend(house.visit(browser, name, &path).await?);
        }
        let nothing = house.visit(browser, "nothing", "/devices/dev_nothing").await?;
        // That page is answered with 404, which the browser notes.
        findings.extend(
            nothing
                .into_iter()
                .filter(|finding| !finding.contains("status of 404")),
        );
        anyhow::ensure!(findings.is_empty(), "{findings:#?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn every_page_is_there_without_scripts() -> anyhow::Result<()> {
    let house = LivedIn::start().await?;
    let mut bones = Vec::new();
    in_browser(Scripts::Run, async |browser| {
        house.log_in(browser).await?;
        for route in LivedIn::pages() {
            house.open(browser, &house.path(route)?).await?;
            browser.sees("main h1").await?;
            bones.push((browser.texts(BONES).await?, browser.count(ALIVE).await? > 0));
        }
        Ok(())
    })
    .await?;
    in_browser(Scripts::Blocked, async |browser| {
        house.log_in(browser).await?;
        for (route, (bones, alive)) in LivedIn::pages().zip(&bones) {
            house.open(browser, &house.path(route)?).await?;
            let there = browser.texts(BONES).await?;
            let missing: Vec<_> = bones.iter().filter(|text| !there.contains(text)).collect();
            anyhow::ensure!(missing.is_empty(), "{} lacks {missing:?}", route.path);
            let shows = browser.count(ALIVE).await? > 0;
            anyhow::ensure!(shows == *alive, "{} shows what is alive", route.path);
            let noise = browser.noise(route.path).await?;
            anyhow::ensure!(noise.is_empty(), "{noise:#?}");
        }
        // What is alive comes by itself as well: the page is loaded anew now and then.
        house.open(browser, "/messages").await?;
        let (contact, owner) = (crate::CONTACT, crate::OWNER);
        house
            .network
            .write(contact, owner, "Hello without scripts")
            .await?;
        browser
            .reads(".message-row .preview", "Hello without scripts")
            .await
    })
    .await
}

/// What the pictures of a page are called.
fn name(route: &Route) -> String {
    let words: Vec<_> = route.path.split('/').filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => "overview".to_owned(),
        words => words.join("-").replace("{id}", "one").replace(['{', '}'], ""),
    }
}
