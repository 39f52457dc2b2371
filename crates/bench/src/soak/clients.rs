//! The clients of a soak: they post messages at a steady rate, and each request until it is answered with a 202.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use postern_testkit::{Http, text};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ledger::Told;
use super::world::{World, locked};

/// How long a client waits for an answer, unless it is impatient.
const PATIENCE: Duration = Duration::from_secs(10);
/// A client repeats a request for so long after the traffic has ended.
const GIVES_UP: Duration = Duration::from_secs(60);
/// The share of requests whose client does not wait for the answer and asks again.
const IMPATIENT: f64 = 0.02;
/// The share of accepted requests that are repeated all the same.
const DOUBTFUL: f64 = 0.02;

/// Who posts, to whom, how often.
pub(crate) struct Client {
    /// Tells its messages from those of others.
    pub(crate) number: usize,
    /// What it writes in: the numbers of a device and of a contact.
    pub(crate) chats: Vec<(usize, usize)>,
    /// The mean time between two messages.
    pub(crate) pause: Duration,
}

impl Client {
    /// Posts one message after the other, each in a chat chosen by chance, until the traffic ends.
    pub(crate) async fn run(self, world: Arc<World>) -> anyhow::Result<()> {
        let mut chance = StdRng::seed_from_u64(world.seed ^ (1 + self.number as u64));
        let mut ticks = interval(self.pause);
        // What an outage held up is caught up on: the rate is kept on average.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 1.. {
            ticks.tick().await;
            if Instant::now() >= world.end {
                break;
            }
            self.post(&world, &mut chance, number).await;
        }
        Ok(())
    }

    /// One message, until it is accepted.
    pub(crate) async fn post(&self, world: &World, chance: &mut StdRng, number: u64) {
        let Some(&(device, contact)) = self.chats.choose(chance) else {
            return;
        };
        let contact = &world.contacts[contact];
        let words = format!("out {device} {contact} {}-{number}", self.number);
        let key = format!("{}-{}-{number}", world.seed, self.number);
        let mut body = text(&world.devices[device].id, contact, &words);
        // Nothing a soak does may end a link for good, so whatever is refused now can go later.
        body["ifDisconnected"] = "queue".into();

        let asked = world.now();
        let Some(id) = insist(world, chance, &key, &body).await else {
            world.tally.unanswered.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let at = world.now();
        if chance.random_bool(DOUBTFUL)
            && let Ok(again) = attempt(&world.api(), &key, &body, PATIENCE).await
            && again != id
        {
            world.tally.contradicted.fetch_add(1, Ordering::Relaxed);
        }
        locked(&world.accepted).push(Told {
            device,
            text: words,
            id,
            asked,
            at,
        });
    }
}

/// Repeats a request until it is answered with a 202; answers the message's id, `None` when it is given up.
async fn insist(world: &World, chance: &mut StdRng, key: &str, body: &Value) -> Option<String> {
    let mut patience = PATIENCE;
    if chance.random_bool(IMPATIENT) {
        patience = Duration::from_millis(chance.random_range(1..8));
    }
    let mut pause = Duration::from_millis(20);
    loop {
        match attempt(&world.api(), key, body, patience).await {
            Ok(id) => return Some(id),
            Err(why) => world.tally.repeat(why),
        }
        if Instant::now() > world.end + GIVES_UP {
            return None;
        }
        patience = PATIENCE;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// One request: the message's id, or why it must be repeated.
async fn attempt(http: &Http, key: &str, body: &Value, patience: Duration) -> Result<String, String> {
    let request = http
        .request(Method::POST, "/v1/messages")
        .header("Idempotency-Key", key)
        .timeout(patience)
        .json(body);
    let answer = http.send(request).await.map_err(|error| {
        let timed_out = error
            .downcast_ref::<reqwest::Error>()
            .is_some_and(reqwest::Error::is_timeout);
        if timed_out {
            "no answer in time"
        } else {
            "no connection"
        }
        .to_owned()
    })?;
    let json = answer.json().unwrap_or_default();
    match (answer.status.as_u16(), json["id"].as_str()) {
        (202, Some(id)) => Ok(id.to_owned()),
        (status, _) => {
            let code = json["error"]["code"].as_str().unwrap_or_default();
            Err(format!("{status} {code}"))
        }
    }
}
