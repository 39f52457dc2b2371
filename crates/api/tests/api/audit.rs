//! The audit trail over the API: what was done to this workspace, newest first.

use postern_domain::{OperatorId, Timestamp, WorkspaceId};
use postern_store::{Act, Actor};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::TestApi;

/// Something that was done in the second `at`.
fn act(
    actor: Actor,
    workspace: WorkspaceId,
    at: i64,
    action: &'static str,
    (target, details): (&str, &str),
) -> Act {
    Act {
        workspace,
        at: Timestamp::from_millis(at * 1000),
        actor,
        action,
        target: target.to_owned(),
        details: details.to_owned(),
    }
}

async fn page(api: &TestApi, query: &str) -> Value {
    let page = api.get(&format!("/v1/audit{query}")).await;
    page.expect(StatusCode::OK)
}

#[tokio::test]
async fn what_was_done_is_listed_newest_first() {
    let api = TestApi::start().await;
    assert_eq!(page(&api, "").await, json!({ "data": [], "nextCursor": null }));
    let id = OperatorId::generate();
    let ada = || Actor::Operator {
        id,
        name: "ada".to_owned(),
    };
    for (actor, at, action, about) in [
        (ada(), 1, "device.pause", ("dev_1", "")),
        (Actor::Shell, 2, "operator.add", ("", "viewer")),
        (ada(), 3, "device.resume", ("dev_1", "")),
    ] {
        let noted = api.store.note(act(actor, api.workspace, at, action, about));
        noted.await.expect("noted");
    }
    let first = page(&api, "?limit=2").await;
    assert_eq!(
        first["data"],
        json!([
            {
                "at": "1970-01-01T00:00:03.000Z", "action": "device.resume", "target": "dev_1", "details": null,
                "actor": { "kind": "operator", "id": id.to_string(), "name": "ada", "lastFour": null },
            },
            {
                "at": "1970-01-01T00:00:02.000Z", "action": "operator.add", "target": null, "details": "viewer",
                "actor": { "kind": "shell", "id": null, "name": "shell", "lastFour": null },
            },
        ])
    );
    let cursor = first["nextCursor"].as_str().expect("there is more");
    let last = page(&api, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(last["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(last["data"][0]["action"], "device.pause");
    assert_eq!(last["nextCursor"], json!(null));
}

#[tokio::test]
async fn what_was_done_elsewhere_is_not() {
    let api = TestApi::start().await;
    let stranger = api.another_workspace().await;
    for at in [1, 2] {
        let noted = api.store.note(act(
            Actor::Shell,
            api.workspace,
            at,
            "device.pause",
            ("dev_1", ""),
        ));
        noted.await.expect("noted");
    }
    let cursor = page(&api, "?limit=1").await["nextCursor"].take();
    let cursor = cursor.as_str().expect("there is more");
    for path in ["/v1/audit".to_owned(), format!("/v1/audit?cursor={cursor}")] {
        let seen = api.call_as(&stranger, Method::GET, &path).send().await;
        assert_eq!(seen.expect(StatusCode::OK)["data"], json!([]), "{path}");
    }
    let wrong = api.get("/v1/audit?cursor=x").await;
    assert_eq!(
        wrong.expect(StatusCode::BAD_REQUEST)["error"]["details"][0]["field"],
        "cursor"
    );
}
