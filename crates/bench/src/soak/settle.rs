//! After the traffic: waits until everything has found its end, and collects the ledgers.

use std::time::Duration;

use anyhow::Context as _;
use postern_testkit::Http;
use serde_json::Value;
use tokio::time::Instant;

use super::ledger::{self, Fault, Problem, Received, Stored};
use super::world::{World, locked};
use crate::progress::EVERY;
use crate::{delivery, fleet, pages};

/// What a message is in while it is on its way.
const WAITING: [&str; 4] = ["scheduled", "queued", "processing", "retrying"];
/// How long receipts are waited for when nothing else is missing.
const RECEIPTS: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// Between two comparisons of the ledgers, which cost more.
const COMPARE: Duration = Duration::from_secs(5);

/// What the ledgers showed in the end.
pub(crate) struct Verdict {
    pub(crate) problems: Vec<Problem>,
    /// Devices that are not connected, in words.
    pub(crate) away: Vec<String>,
    /// The accepted messages as the API lists them.
    pub(crate) outbound: Vec<Stored>,
    /// How many further copies of a stanza reached a contact, for WhatsApp to fold.
    pub(crate) folded: u64,
    pub(crate) took: Duration,
}

/// Compares the ledgers until waiting helps no more, for at most `limit`.
pub(crate) async fn settle(world: &World, limit: Duration) -> anyhow::Result<Verdict> {
    let (started, http) = (Instant::now(), world.api());
    let mut deadline = started + limit;
    loop {
        let away = until_quiet(world, &http, deadline).await?;
        let (outbound, inbound) = (stored(&http, "outbound").await?, stored(&http, "inbound").await?);
        let received = received(world).await?;
        let mut problems = ledger::outbound(&locked(&world.accepted), &outbound, &received);
        problems.extend(ledger::inbound(&locked(&world.written), &inbound));
        let hope = !away.is_empty() || problems.iter().any(|problem| problem.fault.may_heal());
        if !hope || Instant::now() >= deadline {
            let copies = received.iter().flatten();
            return Ok(Verdict {
                problems,
                away,
                outbound,
                folded: copies.map(|copy| copy.copies.saturating_sub(1)).sum(),
                took: started.elapsed(),
            });
        }
        let heals_otherwise = |fault: Fault| fault.may_heal() && fault != Fault::Unconfirmed;
        if away.is_empty() && !problems.iter().any(|problem| heals_otherwise(problem.fault)) {
            deadline = deadline.min(Instant::now() + RECEIPTS);
        }
        eprintln!("the ledgers differ in {} places still", problems.len());
        tokio::time::sleep(COMPARE).await;
    }
}

/// Waits until every device is connected and no message is on its way; answers which devices are not.
async fn until_quiet(world: &World, http: &Http, deadline: Instant) -> anyhow::Result<Vec<String>> {
    let mut said = Instant::now();
    loop {
        let away = away(world, http).await?;
        let mut waits = Vec::new();
        for status in WAITING {
            let path = format!("/v1/messages?direction=outbound&limit=1&status={status}");
            let page = http.get(&path).await?.ok()?;
            if page["data"].as_array().is_some_and(|rows| !rows.is_empty()) {
                waits.push(status);
            }
        }
        if (away.is_empty() && waits.is_empty()) || Instant::now() >= deadline {
            return Ok(away);
        }
        if said.elapsed() >= EVERY {
            said = Instant::now();
            eprintln!(
                "settling: {} devices are away, some messages are still {}",
                away.len(),
                waits.join(", ")
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Which devices are not connected, and what they are instead.
pub(crate) async fn away(world: &World, http: &Http) -> anyhow::Result<Vec<String>> {
    let states = fleet::states(http).await?;
    let numbered = world.devices.iter().enumerate();
    let away = numbered.filter_map(|(number, device)| match states.get(&device.id) {
        Some(shown) if shown.is_connected() => None,
        Some(shown) => Some(format!(
            "device {number}, {}, is {} ({}) since {}",
            device.id, shown.state, shown.reason, shown.since
        )),
        None => Some(format!("device {number}, {}, is gone", device.id)),
    });
    Ok(away.collect())
}

async fn stored(http: &Http, direction: &str) -> anyhow::Result<Vec<Stored>> {
    let rows = pages::all(http, "/v1/messages", &format!("direction={direction}")).await?;
    rows.iter().map(row).collect()
}

fn row(message: &Value) -> anyhow::Result<Stored> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lived = delivery::time(&message["updatedAt"])? - delivery::time(&message["createdAt"])?;
    Ok(Stored {
        id: text(&message["id"]),
        text: text(&message["text"]["body"]),
        stanza: text(&message["stanzaId"]),
        status: text(&message["status"]),
        lived: Duration::from_millis(u64::try_from(lived).unwrap_or(0)),
    })
}

/// What each contact decrypted.
async fn received(world: &World) -> anyhow::Result<Vec<Vec<Received>>> {
    let mut lists = Vec::with_capacity(world.contacts.len());
    for contact in &world.contacts {
        let answer = world
            .network
            .get(&format!("/contacts/{contact}/messages"))
            .await?
            .ok()?;
        let list = answer["data"].as_array().context("not a list")?;
        lists.push(list.iter().map(copy).collect());
    }
    Ok(lists)
}

fn copy(message: &Value) -> Received {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Received {
        text: text(&message["text"]),
        stanza: text(&message["stanzaId"]),
        copies: message["copies"].as_u64().unwrap_or(1),
    }
}
