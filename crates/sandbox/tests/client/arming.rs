//! Whom faults strike, when, and how they are taken back.

use serde_json::{Value, json};

use crate::support::{CONTACT, Lab, PHONE, Seen};

const OTHER_PHONE: &str = "+4915112345678";
/// Later than any test ends.
const MUCH_LATER: u64 = 600_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_armed_can_be_listed_and_cleared() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let other = lab.linked_client(OTHER_PHONE).await;
    let connections = [client.connections(), other.connections()];
    let refusal = json!({ "code": "402", "seconds": 60, "count": 0, "drop": false });
    lab.fault_with(PHONE, "login_failure", refusal).await;
    lab.fault_with(PHONE, "nack", json!({ "count": 3 })).await;
    lab.fault_with(OTHER_PHONE, "lose_acks", json!({})).await;
    let later = json!({ "device": 1, "delayMs": MUCH_LATER });
    lab.fault_with(OTHER_PHONE, "close", later).await;

    let mut faults = lab.faults().await;
    let due_in = faults[0]["dueInMs"].take();
    assert!(due_in.as_u64().is_some_and(|due_in| due_in <= MUCH_LATER));
    let armed =
        |phone: &str, kind: &str| json!({ "phone": phone, "device": 1, "state": "armed", "kind": kind });
    let with = |mut fault: Value, parameters: Value| {
        let parameters = parameters.as_object().expect("an object").clone();
        fault.as_object_mut().expect("an object").extend(parameters);
        fault
    };
    assert_eq!(
        faults,
        [
            json!({ "phone": OTHER_PHONE, "device": 1, "state": "scheduled", "kind": "close", "dueInMs": null }),
            with(
                armed(PHONE, "login_failure"),
                json!({ "code": 402, "seconds": 60 })
            ),
            with(armed(PHONE, "nack"), json!({ "code": 479, "count": 3 })),
            with(armed(OTHER_PHONE, "lose_acks"), json!({ "count": 1 })),
        ]
    );

    let (status, _) = lab.request("DELETE", "/faults?phone=+15551234567", None).await;
    assert_eq!(status, 204);
    let left: Vec<Value> = lab
        .faults()
        .await
        .iter()
        .map(|fault| fault["kind"].clone())
        .collect();
    assert_eq!(left, ["close", "lose_acks"]);
    lab.clear_faults().await;
    assert!(lab.faults().await.is_empty());
    for (client, connections) in [client, other].into_iter().zip(connections) {
        let id = client.send(CONTACT, "all is well").await;
        client.sees(&Seen::Ack(id), 1).await;
        assert_eq!(client.connections(), connections, "nothing has struck");
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_fault_strikes_when_it_is_due() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let fault = json!({ "phone": PHONE, "kind": "close", "delayMs": 50 });
    let (status, answer) = lab.request("POST", "/faults", Some(fault)).await;
    assert_eq!(
        (status, answer),
        (202, json!({ "phone": PHONE, "kind": "close", "delayMs": 50 }))
    );
    client.connected(2).await;
    assert!(lab.faults().await.is_empty());
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_is_to_come_does_not_hold_up_the_end() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault_with(PHONE, "close", json!({ "delayMs": MUCH_LATER }))
        .await;
    lab.fault(PHONE, "mute").await;
    client.stop().await;
    lab.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_one_companion_leaves_the_other_alone() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let second = lab.linked_client(PHONE).await;
    lab.fault_with(PHONE, "nack", json!({ "device": 2 })).await;
    let taken = first.send(CONTACT, "from the first").await;
    first.sees(&Seen::Ack(taken), 1).await;
    let id = second.send(CONTACT, "from the second").await;
    let code = "479".to_owned();
    second.sees(&Seen::Nack { id, code }, 1).await;

    let connections = first.connections();
    lab.fault_with(PHONE, "close", json!({ "device": 2 })).await;
    second.connected(2).await;
    assert_eq!(first.connections(), connections);
    lab.fault_with(PHONE, "logout", json!({ "device": 1 })).await;
    first.sees(&Seen::LoggedOut, 1).await;
    let still = second.send(CONTACT, "still linked").await;
    second.sees(&Seen::Ack(still), 1).await;
    assert_eq!(second.count(&Seen::LoggedOut), 0);
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_can_strike_nobody_is_refused() {
    let lab = Lab::start().await;
    let ask = async |method: &str, path: &str, body: Value| {
        let (status, answer) = lab.request(method, path, Some(body)).await;
        (status, answer["error"]["code"].clone())
    };
    let close = json!({ "phone": PHONE, "kind": "close" });
    assert_eq!(
        ask("POST", "/faults", close.clone()).await,
        (404, "NOT_FOUND".into())
    );
    lab.linked_client(PHONE).await.stop().await;
    let conflict: (u16, Value) = (409, "INVALID_STATE".into());
    // The server learns of the end of a connection a little later than the client.
    crate::support::eventually("nobody is connected", async || {
        (ask("POST", "/faults", close.clone()).await == conflict).then_some(())
    })
    .await;
    let elsewhere = json!({ "phone": PHONE, "kind": "close", "device": 7 });
    assert_eq!(ask("POST", "/faults", elsewhere).await, (404, "NOT_FOUND".into()));
    let arm = json!({ "phone": PHONE, "kind": "lose_acks" });
    for _ in 0..64 {
        let (status, _) = lab.request("POST", "/faults", Some(arm.clone())).await;
        assert_eq!(status, 200);
    }
    assert_eq!(ask("POST", "/faults", arm).await, conflict);
    for (query, field) in [("phone=me", "phone"), ("device=1", "device")] {
        let (status, answer) = lab.request("DELETE", &format!("/faults?{query}"), None).await;
        assert_eq!(
            (status, &answer["error"]["details"][0]["field"]),
            (400, &field.into())
        );
    }
}
