//! Devices, as their sessions see them: what is observed is written here and nowhere else.

use postern_domain::event::EventPayload;
use postern_domain::session::{self, Signal};
use postern_domain::{
    Account, DeviceCounters, DeviceId, DeviceReason, DeviceState, DeviceStatus, EventType, ParkReason,
    Timestamp,
};
use rusqlite::Connection;

use super::parked;
use super::record::Change;
use super::records::{CodeKind, Device, ShownCode};
use super::store::{LinkError, Store};
use super::tables::{devices, events, outbox};
use super::tally::Tally;
use crate::StoreError;

impl Store {
    /// Every device there is, those to be removed included.
    ///
    /// # Errors
    /// The store failed.
    pub async fn all_devices(&self) -> Result<Vec<Device>, StoreError> {
        self.database.read(devices::all).await
    }

    /// One device, whatever its workspace.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session_device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.database
            .read(move |connection| devices::find(connection, id))
            .await
    }

    /// Applies a signal to the device's state machine; an event is appended when state or reason change.
    ///
    /// `Opening` serves a request to reconnect. `LoggedOut`, `KeysMissing` and `AccountRemoved` clear `linked` and
    /// park what waits; where that is very much, [`Store::park_rest`] has to go on. `messages_left` is decided here, from
    /// the outbox. Answers what is observed now; `None` when there is no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn signal(
        &self,
        id: DeviceId,
        signal: Signal,
        now: Timestamp,
    ) -> Result<Option<DeviceStatus>, StoreError> {
        self.write_counted(move |tx, tally| match devices::find(tx, id)? {
            Some(device) => apply(tx, tally, &device, signal, now).map(Some),
            None => Ok(None),
        })
        .await
    }

    /// Says of every device what is true when the daemon starts: none has a connection, and no code on show is any good.
    /// Answers how many were said to have more.
    ///
    /// Before that it seals the secrets of webhooks that earlier releases have stored as they are.
    ///
    /// # Errors
    /// The store failed, or the secrets are sealed with another key.
    pub async fn begin(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.clear_removed_webhooks().await?;
        self.seal_webhooks().await?;
        self.write_counted(move |tx, tally| {
            let mut corrected = 0;
            for device in devices::all(tx)? {
                let signal = match device.status.state {
                    DeviceState::Connected | DeviceState::Degraded if device.linked => Signal::Opening,
                    DeviceState::Pairing if device.linked => Signal::Opening,
                    DeviceState::Pairing if device.pairing.is_some() => Signal::PairingStarted,
                    _ => continue,
                };
                apply(tx, tally, &device, signal, now)?;
                corrected += 1;
            }
            Ok(corrected)
        })
        .await
    }

    /// Ends a pairing without a link: clears request `number` and the code on show, and applies the signal.
    ///
    /// When pairing was asked for again in the meantime nothing changes: that pairing goes on. Answers what is
    /// observed now; `None` when there is no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_pairing(
        &self,
        id: DeviceId,
        number: u64,
        signal: Signal,
        now: Timestamp,
    ) -> Result<Option<DeviceStatus>, StoreError> {
        self.write_counted(move |tx, tally| {
            let Some(device) = devices::find(tx, id)? else {
                return Ok(None);
            };
            if !devices::end_pairing(tx, id, number)? {
                return Ok(Some(device.status));
            }
            apply(tx, tally, &device, signal, now).map(Some)
        })
        .await
    }

    /// Puts a code on show that answers pairing request `number`, and signals it. Nothing happens when there is a newer
    /// request, or no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn show_code(
        &self,
        id: DeviceId,
        number: u64,
        code: ShownCode,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_counted(move |tx, tally| {
            let asked = |device: &Device| device.pairing.is_some_and(|request| request.number == number);
            let Some(device) = devices::find(tx, id)?.filter(asked) else {
                return Ok(());
            };
            let signal = match code.kind {
                CodeKind::Qr => Signal::QrShown,
                CodeKind::PairingCode => Signal::PairingCodeShown,
            };
            apply(tx, tally, &device, signal, now)?;
            devices::set_shown_code(tx, id, Some(&code))
        })
        .await
    }

    /// Records the account the device was linked to, clears the request and the code, and signals `Paired`.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn link_account(
        &self,
        id: DeviceId,
        account: Account,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        self.write_counted(move |tx, tally| {
            let device = devices::find(tx, id)?.ok_or(LinkError::UnknownDevice)?;
            let holder = devices::linked_to(tx, device.workspace, account.phone)?;
            if let Some(other) = holder.filter(|holder| *holder != id) {
                return Err(LinkError::AccountTaken(other));
            }
            devices::link(tx, id, &account)?;
            apply(tx, tally, &device, Signal::Paired, now)?;
            Ok(())
        })
        .await
    }

    /// Records the account's display name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn set_push_name(&self, id: DeviceId, push_name: String) -> Result<(), StoreError> {
        self.database
            .write(move |tx| devices::set_push_name(tx, id, &push_name))
            .await
    }
}

/// Writes what follows from a signal: status, event, and what ends with it.
fn apply(
    tx: &Connection,
    tally: &Tally,
    device: &Device,
    signal: Signal,
    now: Timestamp,
) -> Result<DeviceStatus, StoreError> {
    let signal = match signal {
        Signal::LoggedOut { .. } => Signal::LoggedOut {
            messages_left: outbox::any(tx, device.id)?,
        },
        other => other,
    };
    let change = Change::new(tx, tally, device.id, now);
    match signal {
        Signal::Opening => devices::serve_reconnect(tx, device.id)?,
        Signal::Connected => heard_at_login(tally, device, now),
        Signal::LoggedOut { .. } | Signal::KeysMissing => unlink(change, device, ParkReason::LoggedOut)?,
        Signal::AccountRemoved => unlink(change, device, ParkReason::AccountRemoved)?,
        _ => {}
    }
    let following = session::next(device.status, signal, now);
    if following == device.status {
        return Ok(following);
    }
    devices::set_status(tx, device.id, following)?;
    if !matches!(
        following.reason,
        DeviceReason::QrShown | DeviceReason::PairingCodeShown
    ) {
        devices::set_shown_code(tx, device.id, None)?;
    }
    if (following.state, following.reason) != (device.status.state, device.status.reason) {
        let payload = EventPayload::Device {
            state: following.state,
            reason: following.reason,
            retry_at: following.retry_at,
        };
        events::append(
            tx,
            tally,
            device.id,
            EventType::of_device(following.state),
            &payload,
            now,
        )?;
    }
    Ok(following)
}

/// A login counts as a reconnect unless it is the first of a link, or no login at all: the link was only silent, or sending
/// had paused until a time while it stood.
fn heard_at_login(tally: &Tally, device: &Device, now: Timestamp) {
    let status = &device.status;
    let stood = match status.reason {
        DeviceReason::KeepaliveLate => true,
        DeviceReason::ServerUnavailable => status.retry_at.is_some(),
        _ => false,
    };
    let again = status.state == DeviceState::Degraded && !stood;
    let counted = DeviceCounters {
        reconnects: again.into(),
        ..DeviceCounters::default()
    };
    if again {
        tally.reconnected();
    }
    tally.heard(device.id, now, counted);
}

fn unlink(change: Change<'_>, device: &Device, reason: ParkReason) -> Result<(), StoreError> {
    let tx = change.tx;
    if !device.linked {
        return Ok(());
    }
    let account = devices::linked_account(tx, device.id)?;
    devices::unlink(tx, device.id)?;
    parked::park_some(change, account, reason)
}
