//! What a torture begins with: a data folder of the first release that was brought up to date under kills, linked
//! devices, and contacts.

use std::sync::Arc;
use std::time::Duration;

use postern_testkit::{DaemonOptions, OlderFolder, Postern, TestDaemon, TestSandbox};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;

use super::kills::Killer;
use super::{Options, SHARED};
use crate::fleet::{self, Device};
use crate::soak::ledger::Told;
use crate::soak::world::World;

/// First starts on the older folder that are killed.
const UPGRADES: usize = 8;
/// The longest that such a start is left alone: it is often over by then.
const UPGRADE: Duration = Duration::from_millis(60);

/// From the older folder to linked devices, and everybody who is to write.
pub(super) async fn prepare(
    postern: &Postern,
    network: &TestSandbox,
    options: &Options,
    seed: u64,
) -> anyhow::Result<(Arc<World>, Killer)> {
    let mut chance = StdRng::seed_from_u64(!seed);
    let contacts = contacts(options);
    let older = OlderFolder::make(&[&contacts[0], &contacts[1]])?;
    let told = older_messages(&older);
    let device = older.device.clone();
    let daemon = upgrade(postern, network, older, &mut chance).await?;
    let devices = link(&daemon, network, device, options.devices as usize).await?;
    let (addresses, api) = watch::channel(daemon.http().clone());
    let length = options.rounds * options.round();
    let mut world = World::new(seed, length, (devices, contacts), network, api);
    world.accepted = told.into();
    let world = Arc::new(world);
    let killer = Killer::new(Arc::clone(&world), daemon, addresses, chance, UPGRADES);
    Ok((world, killer))
}

/// Those that all clients write to, and one more for each client.
fn contacts(options: &Options) -> Vec<String> {
    let count = SHARED + options.connections as usize;
    (0..count)
        .map(|number| format!("+1555{}", 2_000_000 + number))
        .collect()
}

/// What was accepted before everything else, one after the other.
fn older_messages(older: &OlderFolder) -> Vec<Told> {
    let messages = older.messages.iter().zip(0..);
    let told = messages.map(|(message, number)| Told {
        device: 0,
        text: message.text.clone(),
        id: message.id.clone(),
        asked: Duration::from_nanos(2 * number),
        at: Duration::from_nanos(2 * number + 1),
    });
    told.collect()
}

/// Starts the daemon on the folder, after some starts that were cut short.
async fn upgrade(
    postern: &Postern,
    network: &TestSandbox,
    older: OlderFolder,
    chance: &mut StdRng,
) -> anyhow::Result<TestDaemon> {
    let options = DaemonOptions::default();
    for _ in 0..UPGRADES {
        let after = chance.random_range(Duration::ZERO..UPGRADE);
        TestDaemon::die_while_starting_in(postern, network, &options, older.folder.path(), after).await?;
    }
    TestDaemon::start_in(postern, network, options, older.folder).await
}

/// Links the device that was there, and others.
async fn link(
    daemon: &TestDaemon,
    network: &TestSandbox,
    first: String,
    count: usize,
) -> anyhow::Result<Vec<Device>> {
    let phone = fleet::owner(0);
    daemon.pair(network, &first, &phone).await?;
    let mut devices = vec![Device { id: first, phone }];
    let (others, _took) = fleet::link(daemon, network, 1, count - 1).await?;
    devices.extend(others);
    Ok(devices)
}
