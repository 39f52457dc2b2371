//! The operator's dashboard: who gets in and what they may do, and the whole way through it in a real browser.

#[path = "dashboard/browser.rs"]
mod browser;
#[path = "dashboard/doors.rs"]
mod doors;
#[path = "dashboard/driver.rs"]
mod driver;
#[path = "dashboard/examine.rs"]
mod examine;
#[path = "dashboard/explorer.rs"]
mod explorer;
#[path = "dashboard/keys.rs"]
mod keys;
#[path = "dashboard/lived_in.rs"]
mod lived_in;
#[path = "dashboard/pages.rs"]
mod pages;
#[path = "dashboard/replays.rs"]
mod replays;
#[path = "dashboard/roles.rs"]
mod roles;
#[path = "dashboard/settings.rs"]
mod settings;
#[path = "dashboard/streams.rs"]
mod streams;
#[path = "dashboard/visitor.rs"]
pub(crate) mod visitor;
#[path = "dashboard/walk.rs"]
mod walk;
#[path = "dashboard/webhooks.rs"]
mod webhooks;
#[path = "dashboard/workspaces.rs"]
mod workspaces;

use postern_testkit::{DaemonOptions, TestDaemon, TestSandbox, eventually};

pub(crate) use self::visitor::Visitor;
use crate::postern;

/// The first operator of the tests.
const OWNER_NAME: &str = "ada";
/// Everybody's password.
const PASSWORD: &str = "a gate with two towers";

/// What the daemon printed behind "dashboard at ".
pub(crate) async fn printed_link(daemon: &TestDaemon) -> anyhow::Result<String> {
    eventually("the daemon says where its dashboard is", || async {
        let log = daemon.log();
        let link = log
            .iter()
            .find_map(|line| line.split_once("dashboard at ")?.1.split(' ').next());
        Ok(link.map(str::to_owned))
    })
    .await
}

/// A network, a daemon, and its owner, who is logged in.
async fn with_owner() -> anyhow::Result<(TestSandbox, TestDaemon, Visitor)> {
    with_owner_and(DaemonOptions::default()).await
}

async fn with_owner_and(options: DaemonOptions) -> anyhow::Result<(TestSandbox, TestDaemon, Visitor)> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let link = printed_link(&daemon).await?;
    let mut owner = Visitor::of(&link)?;
    owner.set_up(&link, OWNER_NAME, PASSWORD).await?;
    Ok((network, daemon, owner))
}
