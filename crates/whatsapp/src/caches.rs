//! How much each client may keep in memory.
//!
//! The caches are filled by use, so an idle client pays for none of them; these bounds are for the busy
//! one. Everything in them comes back from the key store or from WhatsApp.

use std::time::Duration;

use whatsapp_rust::{CacheConfig, CacheEntryConfig, MsgSecretPolicy};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Bounds for a device that shares its process with hundreds of others.
///
/// - Secrets of messages are not kept: they are for reading reactions to and edits of old messages, which
///   this release passes on unread. That spares a write per message.
/// - What was sent last is kept in memory for a while, so that the key store's copy of it, for the case that the
///   recipient asks for it again, is written beside the send and not before it: one disk flush a message less.
/// - A device list is about 100 bytes; 2048 of them cover the largest group there is.
/// - The pairs of phone and hidden numbers stay unbounded, as upstream insists: forgetting one that is in
///   use would make the client encrypt to the wrong name.
pub(crate) fn per_device() -> CacheConfig {
    let hourly = |capacity| CacheEntryConfig::new(Some(HOUR), capacity);
    CacheConfig {
        recent_messages: CacheEntryConfig::new(Some(Duration::from_secs(5 * 60)), 256),
        group_cache: hourly(64),
        device_registry_cache: hourly(2048),
        message_retry_counts: hourly(256),
        undecryptable_dispatched: CacheEntryConfig::new(Some(Duration::from_secs(5 * 60)), 256),
        sender_key_devices_cache: hourly(64),
        session_recreate_history: hourly(128),
        session_locks_capacity: 2048,
        chat_lanes_capacity: 1024,
        group_distribution_locks_capacity: 64,
        resend_rate_limiter_capacity: 512,
        msg_secret_policy: MsgSecretPolicy::Disabled,
        seed_msg_secrets_from_history: false,
        ..CacheConfig::default()
    }
}
