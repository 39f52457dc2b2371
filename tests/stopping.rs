//! A stop that load balancers notice: first the probe fails, then, later, connections are refused.

use anyhow::Context as _;
use postern_testkit::{DaemonOptions, TestDaemon, TestSandbox, eventually};
use tokio::process::Command;

use crate::{CONTACT, OWNER, postern};

#[tokio::test]
async fn it_serves_on_while_the_probe_says_that_it_stops_until_it_is_told_again() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let options = DaemonOptions::default().set("SERVER__DRAIN", "300");
    let mut daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    assert_eq!(daemon.http().get("/readyz").await?.status, 200);

    let process = daemon.pid().context("it runs")?.to_string();
    let told = Command::new("kill").args(["-TERM", &process]).status().await?;
    assert!(told.success());
    eventually("the probe says that it stops", || async {
        let answer = daemon.http().get("/readyz").await?;
        Ok((answer.status == 503 && answer.json()?["error"]["code"] == "STOPPING").then_some(()))
    })
    .await?;
    assert_eq!(daemon.http().get("/healthz").await?.status, 200);
    let message = daemon.send_text(&device, CONTACT, "still here").await?;
    daemon.message_reaches(&message, "read").await?;

    assert_eq!(daemon.terminate().await?, Some(0));
    Ok(())
}
