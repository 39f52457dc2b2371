//! The contacts of a soak: they write to the devices' accounts at a steady rate.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ledger::Told;
use super::world::{World, locked};

/// Keeps the choices of the contacts apart from those of the clients.
const OTHER_CHANCES: u64 = 1 << 40;

/// Writes to devices and notes what was written.
pub(crate) async fn run(world: Arc<World>, pause: Duration) -> anyhow::Result<()> {
    let mut chance = StdRng::seed_from_u64(world.seed ^ OTHER_CHANCES);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0_u64;
    loop {
        number += 1;
        ticks.tick().await;
        if Instant::now() >= world.end {
            return Ok(());
        }
        let device = chance.random_range(0..world.devices.len());
        let Some(contact) = world.contacts_of(device).choose(&mut chance) else {
            return Ok(());
        };
        let contact = &world.contacts[contact];
        let words = format!("in {device} {contact} {number}");
        let body = json!({ "to": world.devices[device].phone, "text": words });
        let asked = world.now();
        let answered = world
            .network
            .post(&format!("/contacts/{contact}/messages"), &body)
            .await
            .and_then(|answer| answer.ok());
        match answered {
            Ok(written) => locked(&world.written).push(Told {
                device,
                text: words,
                id: written["stanzaId"].as_str().unwrap_or_default().to_owned(),
                asked,
                at: world.now(),
            }),
            Err(error) => {
                eprintln!("a contact could not write: {error:#}");
                world.tally.unwritten.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
