//! Carries out the plan of faults.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::faults::Strike;
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
    let Some(kind) = strike.kind else {
        let digits = phone.trim_start_matches('+');
        world
            .network
            .delete(&format!("/faults?phone={digits}"))
            .await?
            .ok()?;
        return Ok(());
    };
    let mut body = json!({ "phone": phone, "kind": kind.name() });
    if let (Value::Object(body), Value::Object(parameters)) = (&mut body, strike.parameters) {
        body.extend(parameters);
    }
    let (at, answer) = (world.now(), world.network.post("/faults", &body).await?);
    if answer.status == reqwest::StatusCode::CONFLICT {
        // Nothing to strike: the device is between two connections.
        locked(&world.history).missed(kind.name());
        return Ok(());
    }
    answer
        .ok()
        .with_context(|| format!("the sandbox does not take {body}"))?;
    locked(&world.history).struck(at, Some(strike.device), kind.name());
    Ok(())
}

/// Ends every fault that is in force.
pub(crate) async fn clear(world: &World) -> anyhow::Result<()> {
    let answer = world.network.delete("/faults").await?;
    if answer.status != reqwest::StatusCode::NOT_FOUND {
        answer.ok()?;
    }
    Ok(())
}
