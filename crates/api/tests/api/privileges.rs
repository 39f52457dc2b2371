//! Whom each route lets in: a key that is good in every way but one opens nothing that the table does not open.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_api::{Access, ApiConfig, ApiKeySecret, KeyKind, ROUTES, Route};
use postern_domain::{Plan, Scope, Scopes, Timestamp, WorkspaceId};
use postern_runtime::{Clock as _, SystemClock};
use postern_store::{NewApiKey, WorkspaceChange};
use reqwest::Method;

use crate::harness::{Answer, TestApi};

/// What a key is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expected {
    In,
    Unauthorized,
    /// With something of this in the message.
    Forbidden(&'static str),
}

use Expected::{Forbidden, In, Unauthorized};

fn plans() -> BTreeMap<String, Plan> {
    let no_api = Plan {
        api: false,
        ..Plan::UNLIMITED
    };
    let no_webhooks = Plan {
        webhooks: false,
        ..Plan::UNLIMITED
    };
    let plans = [
        ("unlimited", Plan::UNLIMITED),
        ("no-api", no_api),
        ("no-webhooks", no_webhooks),
    ];
    plans.map(|(name, plan)| (name.to_owned(), plan)).into()
}

/// A key with every scope, in a workspace of its own on this plan, changed as told.
async fn key_in(
    api: &TestApi,
    plan: &str,
    change: impl FnOnce(&mut NewApiKey),
) -> (ApiKeySecret, WorkspaceId) {
    let (key, workspace) = (ApiKeySecret::generate(KeyKind::Live), WorkspaceId::generate());
    let mut stored = NewApiKey::of(&key, workspace, "one", Scopes::all());
    change(&mut stored);
    let allows = plans().get(plan).copied().unwrap_or(Plan::UNLIMITED);
    let made = api.store.create_workspace(
        "one".to_owned(),
        (plan.to_owned(), allows),
        stored,
        SystemClock.now(),
    );
    made.await.expect("a workspace");
    (key, workspace)
}

async fn ask(api: &TestApi, key: Option<&str>, route: &Route) -> Answer {
    let path = route.path.replace("{id}", "x").replace("{format}", "png");
    // A stream would never end.
    let path = path.replace("/stream", "/stream?surprise=1");
    let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
    let call = api.call_without_key(method, &path);
    match key {
        Some(key) => call.header("Authorization", key).send().await,
        None => call.send().await,
    }
}

/// Asks every route with this `Authorization`.
async fn walk(api: &TestApi, what: &str, key: Option<&str>, expected: impl Fn(Scope) -> Expected) {
    for route in ROUTES {
        let answer = ask(api, key, route).await;
        let expected = match route.access {
            Access::Key(scope) => expected(scope),
            Access::Open => In,
        };
        let name = format!("{what}: {} {}", route.method, route.path);
        match expected {
            // Registration is closed here to everybody.
            In if route.path == "/v1/register" => assert_eq!(answer.status, 415, "{name}"),
            In => assert!(!matches!(answer.status.as_u16(), 401 | 403), "{name}"),
            Unauthorized => {
                assert_eq!(answer.status, 401, "{name}");
                answer.expect_error(401, "UNAUTHORIZED");
                assert_eq!(answer.header("www-authenticate"), "Bearer", "{name}");
            }
            Forbidden(why) => {
                assert_eq!(answer.status, 403, "{name}");
                let message = answer.expect_error(403, "FORBIDDEN");
                assert!(message.contains(why), "{name}: {message}");
            }
        }
    }
}

fn bearer(key: &ApiKeySecret) -> String {
    format!("Bearer {}", key.expose())
}

async fn start() -> TestApi {
    let config = ApiConfig {
        plans: plans(),
        ..ApiConfig::default()
    };
    TestApi::start_with(Arc::new(SystemClock), config).await
}

#[tokio::test]
async fn who_is_not_known_is_let_in_nowhere() {
    let api = start().await;
    let unknown = bearer(&ApiKeySecret::generate(KeyKind::Live));
    let basic = format!("Basic {}", api.key.expose());
    let (mut short, mut long) = (bearer(&api.key), bearer(&api.key));
    short.pop();
    long.push('0');
    for key in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer sk_live_"),
        Some(&basic),
        Some(api.key.expose()),
        Some(&unknown),
        Some(&short),
        Some(&long),
    ] {
        walk(&api, "not known", key, |_| Unauthorized).await;
    }
    walk(&api, "known", Some(&bearer(&api.key)), |_| In).await;
}

#[tokio::test]
async fn a_key_that_has_ended_is_let_in_nowhere() {
    let api = start().await;
    let (expired, _) = key_in(&api, "unlimited", |key| {
        key.expires_at = Some(Timestamp::from_millis(1));
    })
    .await;
    walk(&api, "expired", Some(&bearer(&expired)), |_| Unauthorized).await;

    let (revoked, workspace) = key_in(&api, "unlimited", |_| {}).await;
    let keys = api.store.api_keys(workspace, 9, None).await.expect("keys").0;
    let now = SystemClock.now();
    let ended = api
        .store
        .revoke_api_key(workspace, keys[0].id, Scopes::all(), now);
    ended.await.expect("revoked");
    walk(&api, "revoked", Some(&bearer(&revoked)), |_| Unauthorized).await;
}

#[tokio::test]
async fn a_key_that_may_not_be_used_from_here_is_let_in_nowhere() {
    let api = start().await;
    let (elsewhere, _) = key_in(&api, "unlimited", |key| {
        key.networks = vec!["203.0.113.0/24".to_owned()];
    })
    .await;
    walk(&api, "elsewhere", Some(&bearer(&elsewhere)), |_| {
        Forbidden("127.0.0.1")
    })
    .await;
    let (none, _) = key_in(&api, "unlimited", |key| key.scopes = Scopes::default()).await;
    walk(&api, "no scope", Some(&bearer(&none)), |scope| {
        Forbidden(scope.name())
    })
    .await;
}

#[tokio::test]
async fn a_workspace_that_may_do_nothing_is_let_in_to_the_administration_only() {
    let api = start().await;
    let (key, workspace) = key_in(&api, "unlimited", |_| {}).await;
    let off = WorkspaceChange {
        deactivate: Some(Some("unpaid".to_owned())),
        ..WorkspaceChange::default()
    };
    let changed = api.store.change_workspace(workspace, off, SystemClock.now());
    changed.await.expect("changed");
    let but_for_the_daemon = |why| {
        move |scope| match scope {
            Scope::AdminDaemon => In,
            _ => Forbidden(why),
        }
    };
    walk(
        &api,
        "deactivated",
        Some(&bearer(&key)),
        but_for_the_daemon("unpaid"),
    )
    .await;
    for (plan, why) in [
        ("no-api", "has no API access"),
        ("gone", "is not in the gateway's configuration"),
    ] {
        let (key, _) = key_in(&api, plan, |_| {}).await;
        walk(&api, plan, Some(&bearer(&key)), but_for_the_daemon(why)).await;
    }
    let (key, _) = key_in(&api, "no-webhooks", |_| {}).await;
    walk(&api, "no-webhooks", Some(&bearer(&key)), |scope| match scope {
        Scope::WebhooksManage => Forbidden("has no webhooks"),
        _ => In,
    })
    .await;
}
