//! API keys: found by their hash, changed only by who may, ended for good.

use postern_domain::{ApiKeyId, Scope, Scopes};

use super::*;

fn key_of(workspace: WorkspaceId, hash: u8, scopes: Scopes) -> NewApiKey {
    NewApiKey {
        id: ApiKeyId::generate(),
        workspace,
        name: "worker".to_owned(),
        hash: [hash; 32],
        prefix: "sk_live_".to_owned(),
        last_four: "wxyz".to_owned(),
        scopes,
        networks: vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()],
        expires_at: Some(at(1_000)),
    }
}

fn sending() -> Scopes {
    [Scope::MessagesSend].into_iter().collect()
}

#[tokio::test]
async fn a_key_is_found_by_its_hash_with_everything_about_it() {
    let fixture = Fixture::new().await;
    let (store, workspace) = (&fixture.store, fixture.workspace);
    assert_eq!(store.has_api_keys(workspace).await, Ok(false));
    let new = key_of(workspace, 7, sending());
    assert_eq!(store.add_api_key(new.clone(), at(1)).await, Ok(true));
    let same_secret = key_of(workspace, 7, Scopes::all());
    assert_eq!(store.add_api_key(same_secret, at(2)).await, Ok(false));
    assert_eq!(store.has_api_keys(workspace).await, Ok(true));
    assert_eq!(store.has_api_keys(WorkspaceId::generate()).await, Ok(false));

    let key = ApiKey {
        id: new.id,
        workspace,
        name: new.name,
        hash: new.hash,
        prefix: new.prefix,
        last_four: new.last_four,
        scopes: sending(),
        networks: new.networks,
        expires_at: new.expires_at,
        replaced_at: None,
        revoked_at: None,
        last_used_at: None,
        created_at: at(1),
    };
    assert_eq!(store.api_key(workspace, key.id).await, Ok(Some(key.clone())));
    assert_eq!(store.api_key(WorkspaceId::generate(), key.id).await, Ok(None));
    let found = Credentials {
        key,
        plan: "unlimited".to_owned(),
        deactivated: None,
    };
    assert_eq!(store.credentials([7; 32]).await, Ok(Some(found)));
    assert_eq!(store.credentials([8; 32]).await, Ok(None));
}

#[tokio::test]
async fn a_use_is_written_once_a_minute() {
    let fixture = Fixture::new().await;
    let new = key_of(fixture.workspace, 7, sending());
    let added = fixture.store.add_api_key(new.clone(), at(1)).await;
    assert!(added.expect("stored"));
    for (now, noted) in [
        (100_000, 100_000),
        (159_999, 100_000),
        (160_000, 160_000),
        (5, 160_000),
    ] {
        fixture.store.api_key_used(new.id, at(now)).await.expect("noted");
        let key = fixture.store.api_key(fixture.workspace, new.id).await;
        let key = key.expect("an answer").expect("a key");
        assert_eq!(key.last_used_at, Some(at(noted)), "{now}");
    }
}

#[tokio::test]
async fn who_may_do_less_changes_nothing() {
    let fixture = Fixture::new().await;
    let (store, workspace) = (&fixture.store, fixture.workspace);
    let id = {
        let new = key_of(workspace, 7, Scopes::all());
        let added = store.add_api_key(new.clone(), at(1)).await;
        assert!(added.expect("stored"));
        new.id
    };
    let held = Scopes::of_a_workspace();
    let rename = || ApiKeyChange {
        name: Some("mine".to_owned()),
        ..ApiKeyChange::default()
    };
    let changed = store.change_api_key(workspace, id, held, rename(), at(2)).await;
    assert!(matches!(changed, Err(ApiKeyError::Beyond(Scope::AdminDaemon))));
    let revoked = store.revoke_api_key(workspace, id, held, at(2)).await;
    assert!(matches!(revoked, Err(ApiKeyError::Beyond(Scope::AdminDaemon))));
    let successor = move |_: &ApiKey| key_of(workspace, 8, Scopes::all());
    let rotated = store
        .rotate_api_key(workspace, id, held, at(3), at(2), successor)
        .await;
    assert!(matches!(rotated, Err(ApiKeyError::Beyond(Scope::AdminDaemon))));
    let foreign = store
        .change_api_key(WorkspaceId::generate(), id, Scopes::all(), rename(), at(2))
        .await;
    assert!(matches!(foreign, Err(ApiKeyError::Unknown)));
    let key = store.api_key(workspace, id).await.expect("an answer");
    assert_eq!(key.expect("a key").name, "worker");
    assert_eq!(store.credentials([8; 32]).await, Ok(None));

    // And nobody gives what they do not have.
    let limited = key_of(workspace, 9, sending());
    let id = limited.id;
    store.add_api_key(limited, at(1)).await.expect("stored");
    let more = ApiKeyChange {
        scopes: Some(Scopes::all()),
        ..ApiKeyChange::default()
    };
    let changed = store.change_api_key(workspace, id, held, more, at(2)).await;
    assert!(matches!(changed, Err(ApiKeyError::Beyond(Scope::AdminDaemon))));
}

#[tokio::test]
async fn a_key_ends_by_its_expiry_by_hand_or_by_its_successor() {
    let fixture = Fixture::new().await;
    let (store, workspace) = (&fixture.store, fixture.workspace);
    let all = Scopes::all();
    let new = key_of(workspace, 7, sending());
    store.add_api_key(new.clone(), at(1)).await.expect("stored");

    let successor = move |old: &ApiKey| key_of(old.workspace, 8, old.scopes);
    let (old, next) = store
        .rotate_api_key(workspace, new.id, all, at(500), at(100), successor)
        .await
        .expect("rotated");
    assert_eq!(
        (old.id, old.expires_at, old.ends_at(), next.scopes),
        (new.id, new.expires_at, Some(at(500)), sending())
    );
    assert!(!old.has_ended(at(499)) && old.has_ended(at(500)));
    // What was to end sooner still does, and a successor asked for once more is good for as long as the first.
    let successor = move |old: &ApiKey| NewApiKey {
        expires_at: old.expires_at,
        ..key_of(old.workspace, 9, old.scopes)
    };
    let (old, again) = store
        .rotate_api_key(workspace, new.id, all, at(900), at(100), successor)
        .await
        .expect("rotated");
    assert_eq!((old.ends_at(), again.ends_at()), (Some(at(500)), new.expires_at));

    store
        .revoke_api_key(workspace, next.id, all, at(200))
        .await
        .expect("revoked");
    store
        .revoke_api_key(workspace, next.id, all, at(300))
        .await
        .expect("still");
    let found = store.credentials([8; 32]).await.expect("an answer");
    assert_eq!(found.expect("a key").key.revoked_at, Some(at(200)));
    let revive = ApiKeyChange {
        expires_at: Some(None),
        ..ApiKeyChange::default()
    };
    for (id, now) in [(next.id, 300), (new.id, 500)] {
        let changed = store
            .change_api_key(workspace, id, all, revive.clone(), at(now))
            .await;
        assert!(matches!(changed, Err(ApiKeyError::Ended)));
    }
    // Nor by being stored once more.
    assert_eq!(
        store.add_api_key(key_of(workspace, 8, all), at(400)).await,
        Ok(false)
    );

    let (page, more) = store.api_keys(workspace, 2, None).await.expect("a page");
    let (rest, end) = store.api_keys(workspace, 2, more).await.expect("a page");
    assert_eq!((page.len(), rest.len(), end), (2, 1, None));
}
