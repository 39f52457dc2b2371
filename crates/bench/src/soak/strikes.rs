//! Carries out the plan of faults.

use std::sync::Arc;

use anyhow::Context as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::faults::{Kind, Strike};
use super::world::{World, locked};

/// Strikes as planned until the traffic ends.
///
/// # Errors
/// The sandbox does not know a fault, or its parameters.
pub(crate) async fn run(world: Arc<World>, plan: Vec<Strike>) -> anyhow::Result<()> {
    for strike in plan {
        let at = world.started + strike.at;
        if at >= world.end {
            break;
        }
        sleep_until(at).await;
        deliver(&world, strike).await?;
    }
    Ok(())
}

async fn deliver(world: &World, strike: Strike) -> anyhow::Result<()> {
    let phone = &world.devices[strike.device].phone;
    let mut body = json!({ "phone": phone, "kind": strike.kind.name() });
    if let (Value::Object(body), Value::Object(parameters)) = (&mut body, strike.parameters) {
        body.extend(parameters);
    }
    let (at, answer) = (world.now(), world.network.post("/faults", &body).await?);
    let name = strike.kind.name();
    if answer.status == StatusCode::CONFLICT {
        // Nothing to strike: the device is between two connections.
        locked(&world.history).missed(name);
        return Ok(());
    }
    answer
        .ok()
        .with_context(|| format!("the sandbox does not take {body}"))?;
    if !strike.ends {
        locked(&world.history).struck(at, Some(strike.device), name);
    }
    Ok(())
}

/// Ends every fault that is in force.
pub(crate) async fn clear(world: &World) -> anyhow::Result<()> {
    // First the connections whose frames were thrown away: none of them may come to be heard again in the middle.
    for device in &world.devices {
        let body = json!({ "phone": device.phone, "kind": Kind::Close.name() });
        let answer = world.network.post("/faults", &body).await?;
        if answer.status != StatusCode::CONFLICT {
            answer.ok()?;
        }
    }
    world.network.delete("/faults").await?.ok().map(drop)
}
