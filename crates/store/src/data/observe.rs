//! Devices, as their sessions see them: what is observed is written here and nowhere else.

use postern_domain::event::EventPayload;
use postern_domain::session::{self, Signal};
use postern_domain::{Account, DeviceId, DeviceReason, DeviceStatus, EventType, MessageStatus, Timestamp};
use rusqlite::Connection;

use super::record::Change;
use super::records::{CodeKind, Device, ShownCode};
use super::store::{LinkError, Store};
use super::tables::{devices, events, messages, outbox};
use crate::StoreError;

/// How many waiting messages of a forgotten device are canceled in one write, so that others get their turn.
const CANCELED_AT_ONCE: usize = 500;

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
    /// Signals that end pairing (`CodesExhausted`, `PairingFailed`) clear the request and the code on show;
    /// `LoggedOut` and `AccountRemoved` clear `linked`, and `messages_left` is decided here, from the outbox.
    /// Answers what is observed now; `None` when there is no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn signal(
        &self,
        id: DeviceId,
        signal: Signal,
        now: Timestamp,
    ) -> Result<Option<DeviceStatus>, StoreError> {
        self.database
            .write(move |tx| match devices::find(tx, id)? {
                Some(device) => apply(tx, &device, signal, now).map(Some),
                None => Ok(None),
            })
            .await
    }

    /// Puts a code on show and signals it. Nothing happens when there is no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn show_code(&self, id: DeviceId, code: ShownCode, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                let Some(device) = devices::find(tx, id)? else {
                    return Ok(());
                };
                let signal = match code.kind {
                    CodeKind::Qr => Signal::QrShown,
                    CodeKind::PairingCode => Signal::PairingCodeShown,
                };
                apply(tx, &device, signal, now)?;
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
        self.database
            .write(move |tx| {
                let device = devices::find(tx, id)?.ok_or(LinkError::UnknownDevice)?;
                let holder = devices::linked_to(tx, device.workspace, account.phone)?;
                if let Some(other) = holder.filter(|holder| *holder != id) {
                    return Err(LinkError::AccountTaken(other));
                }
                devices::link(tx, id, &account)?;
                devices::end_pairing(tx, id)?;
                outbox::readmit(tx, id, account.phone)?;
                apply(tx, &device, Signal::Paired, now)?;
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

    /// Forgets a device whose keys are wiped: its row and its outbox go, its waiting messages become `canceled`,
    /// its messages and events stay.
    ///
    /// Takes several commits when much waits; a call that was cut short is simply made again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_device(&self, id: DeviceId, now: Timestamp) -> Result<(), StoreError> {
        while self.database.write(move |tx| cancel_some(tx, id, now)).await? {}
        self.database
            .write(move |tx| {
                // What was accepted in between; the device takes no more once its intent is `removed`.
                while cancel_some(tx, id, now)? {}
                devices::delete(tx, id)
            })
            .await
    }
}

/// Writes what follows from a signal: status, event, and what ends with it.
fn apply(
    tx: &Connection,
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
    match signal {
        Signal::CodesExhausted | Signal::PairingFailed => devices::end_pairing(tx, device.id)?,
        Signal::LoggedOut { .. } | Signal::AccountRemoved => devices::unlink(tx, device.id)?,
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
            device.id,
            EventType::of_device(following.state),
            &payload,
            now,
        )?;
    }
    Ok(following)
}

/// Cancels the first messages of an outbox; `false` when there was none.
fn cancel_some(tx: &Connection, device: DeviceId, now: Timestamp) -> Result<bool, StoreError> {
    let entries = outbox::first_of(tx, device, CANCELED_AT_ONCE)?;
    for entry in &entries {
        outbox::remove(tx, device, entry.seq, &entry.chat)?;
        let Some(mut known) = messages::by_seq(tx, entry.seq)? else {
            continue;
        };
        let change = Change { tx, device, now };
        if known.status == MessageStatus::Processing {
            change.apply(&mut known, MessageStatus::Retrying, None, "outcome unknown")?;
        }
        change.apply(&mut known, MessageStatus::Canceled, None, "device removed")?;
    }
    Ok(!entries.is_empty())
}
