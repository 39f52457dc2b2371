//! The record of the device comes back as it was saved.

use wacore::libsignal::protocol::KeyPair;
use wacore::store::{CachedNoiseCert, CachedServerCertChain, Device};
use wacore_binary::Jid;

use super::*;

/// A device of which no field has its default.
fn device() -> Device {
    let certificate = |seed| CachedNoiseCert {
        key: [seed; 32],
        not_before: 1_700_000_000,
        not_after: i64::MAX,
    };
    let account = wacore::store::device::account_serde::from_bytes(&[
        0x0a, 2, 1, 2, // details
        0x12, 1, 3, // account signature key
        0x1a, 1, 4, // account signature
        0x22, 1, 5, // device signature
    ]);
    let jid = |text: &str| Some(text.parse::<Jid>().expect("a JID"));
    Device {
        pn: jid("15551234567:12@s.whatsapp.net"),
        lid: jid("100000012345678:12@lid"),
        signed_pre_key_id: 3,
        account: Some(Arc::new(account.expect("an account"))),
        push_name: String::from("Zoë 🏰"),
        app_version_primary: 4,
        app_version_secondary: 5,
        app_version_tertiary: u32::MAX,
        app_version_last_fetched_ms: 6,
        edge_routing_info: Some(vec![0, 255, 7]),
        props_hash: Some(String::from("a hash")),
        next_pre_key_id: 813,
        first_unupload_pre_key_id: 8,
        server_has_prekeys: true,
        nct_salt: Some(vec![9]),
        server_cert_chain: Some(CachedServerCertChain {
            intermediate: certificate(10),
            leaf: certificate(11),
        }),
        login_counter: -12,
        lid_migrated: true,
        last_signed_pre_key_rotation_ms: i64::MIN,
        read_receipts_disabled: true,
        ..Device::new()
    }
}

/// All fields of a record, taken apart so that a field a later wacore adds stops the build here.
fn fields(record: &Device) -> Vec<(&'static str, String)> {
    let Device {
        pn,
        lid,
        registration_id,
        noise_key,
        identity_key,
        signed_pre_key,
        signed_pre_key_id,
        signed_pre_key_signature,
        adv_secret_key,
        account,
        push_name,
        app_version_primary,
        app_version_secondary,
        app_version_tertiary,
        app_version_last_fetched_ms,
        device_props,
        // Given by whoever starts the client, each time.
        client_profile: _,
        edge_routing_info,
        props_hash,
        next_pre_key_id,
        first_unupload_pre_key_id,
        server_has_prekeys,
        nct_salt,
        // Whether this run has seen it.
        nct_salt_sync_seen: _,
        server_cert_chain,
        login_counter,
        lid_migrated,
        last_signed_pre_key_rotation_ms,
        read_receipts_disabled,
    } = record;
    let pair = |key: &KeyPair| {
        format!(
            "{:?} {:?}",
            key.private_key.serialize(),
            key.public_key.public_key_bytes()
        )
    };
    vec![
        ("pn", format!("{pn:?}")),
        ("lid", format!("{lid:?}")),
        ("registration_id", format!("{registration_id:?}")),
        ("noise_key", pair(noise_key)),
        ("identity_key", pair(identity_key)),
        ("signed_pre_key", pair(signed_pre_key)),
        ("signed_pre_key_id", format!("{signed_pre_key_id:?}")),
        (
            "signed_pre_key_signature",
            format!("{signed_pre_key_signature:?}"),
        ),
        ("adv_secret_key", format!("{adv_secret_key:?}")),
        ("account", format!("{account:?}")),
        ("push_name", format!("{push_name:?}")),
        ("app_version_primary", format!("{app_version_primary:?}")),
        ("app_version_secondary", format!("{app_version_secondary:?}")),
        ("app_version_tertiary", format!("{app_version_tertiary:?}")),
        (
            "app_version_last_fetched_ms",
            format!("{app_version_last_fetched_ms:?}"),
        ),
        // Not stored, but the client needs the default back to register an unpaired device.
        ("device_props", format!("{device_props:?}")),
        ("edge_routing_info", format!("{edge_routing_info:?}")),
        ("props_hash", format!("{props_hash:?}")),
        ("next_pre_key_id", format!("{next_pre_key_id:?}")),
        (
            "first_unupload_pre_key_id",
            format!("{first_unupload_pre_key_id:?}"),
        ),
        ("server_has_prekeys", format!("{server_has_prekeys:?}")),
        ("nct_salt", format!("{nct_salt:?}")),
        ("server_cert_chain", format!("{server_cert_chain:?}")),
        ("login_counter", format!("{login_counter:?}")),
        ("lid_migrated", format!("{lid_migrated:?}")),
        (
            "last_signed_pre_key_rotation_ms",
            format!("{last_signed_pre_key_rotation_ms:?}"),
        ),
        ("read_receipts_disabled", format!("{read_receipts_disabled:?}")),
    ]
}

#[tokio::test]
async fn every_field_survives_a_restart() {
    let mut fixture = Fixture::new();
    let id = DeviceId::generate();
    let (full, fresh) = (device(), Device::new());
    for record in [&full, &fresh] {
        fixture.backend(id).await.save(record).await.expect("a save");
        fixture.reopen().await;
        let loaded = fixture
            .backend(id)
            .await
            .load()
            .await
            .expect("a load")
            .expect("a record");
        assert_eq!(fields(&loaded), fields(record));
    }
}

/// The test above compares with what was saved; this one makes sure that it saved something in every field.
#[test]
fn the_full_device_differs_from_a_fresh_one_in_every_field() {
    let (full, fresh) = (fields(&device()), fields(&Device::new()));
    for (full, fresh) in full.iter().zip(&fresh) {
        assert!(
            full != fresh || full.0 == "device_props",
            "{} is a default",
            full.0
        );
    }
}

#[tokio::test]
async fn creating_again_keeps_the_keys() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    assert!(!backend.exists().await.expect("an answer"));
    let number = backend.create().await.expect("a number");
    let made = backend.load().await.expect("a load").expect("a record");
    assert_eq!(backend.create().await.expect("a number"), number);
    let kept = backend.load().await.expect("a load").expect("a record");
    assert_eq!(fields(&made), fields(&kept));
}

#[tokio::test]
async fn a_broken_record_is_told_without_its_content() {
    let fixture = Fixture::new();
    let id = DeviceId::generate();
    let backend = fixture.backend(id).await;
    backend.create().await.expect("a number");
    let broken = fixture.store.database.write(|tx| -> Result<(), StoreError> {
        tx.execute(
            "UPDATE device_records SET value = CAST('{\"pn\":\"secret\"}' AS BLOB)",
            [],
        )?;
        Ok(())
    });
    broken.await.expect("a broken record");
    let error = backend.load().await.map(|_record| ()).expect_err("an error");
    let text = format!("{error} {error:?} {:?}", cause(&error));
    assert!(text.contains("a device record"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
