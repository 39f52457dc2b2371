//! Received messages, and reading messages of both directions back.

use postern_domain::event::{EventPayload, Quoted};
use postern_domain::port::Inbound;
use postern_domain::{DeviceCounters, DeviceId, EventType, MessageId, MessageStatus, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::records::{Message, MessageFilter, Page, PageStart};
use super::store::Store;
use super::tables::messages::Stored;
use super::tables::{devices, events, history, messages};
use super::tally::Place;
use crate::StoreError;

impl Store {
    /// Commits received messages, in order, with their events; those known already are folded, unless they could not be
    /// decrypted before: those are told of again with what they say. Answers how many were new.
    ///
    /// # Errors
    /// The store failed or the device is gone: nothing was stored, so nothing may be confirmed to WhatsApp.
    pub async fn receive(
        &self,
        device: DeviceId,
        batch: Vec<Inbound>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write_counted(move |tx, tally| {
            let workspace = devices::workspace(tx, device)?.ok_or_else(|| StoreError::Invalid {
                what: "the device of received messages",
                reason: "there is no such device".to_owned(),
            })?;
            let mut new = 0;
            for message in &batch {
                let id = MessageId::generate();
                let stored = messages::insert_inbound(tx, id, workspace, device, message, now)?;
                let id = match stored {
                    Stored::New => id,
                    Stored::Completed(id) => id,
                    Stored::Known => continue,
                };
                let payload = received(tx, device, id, message.clone())?;
                events::append(tx, tally, device, EventType::MessageReceived, &payload, now)?;
                if stored == Stored::New {
                    tally.stored(Place::of(workspace, device, now), MessageStatus::Received);
                    new += 1;
                }
            }
            let counted = DeviceCounters {
                received: new as u64,
                ..DeviceCounters::default()
            };
            tally.heard(device, now, counted);
            Ok(new)
        })
        .await
    }

    /// One message with its timeline.
    ///
    /// # Errors
    /// The store failed.
    pub async fn message(
        &self,
        workspace: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        self.database
            .read(move |connection| history::find(connection, workspace, id))
            .await
    }

    /// Newest first. Timelines are included.
    ///
    /// A page may hold fewer rows than `limit`, even none, while there are more: looking for rare rows ends after
    /// a while, and `next` says where it goes on.
    ///
    /// # Errors
    /// The store failed.
    pub async fn messages(
        &self,
        workspace: WorkspaceId,
        filter: MessageFilter,
        limit: usize,
        start: Option<PageStart>,
    ) -> Result<Page<Message>, StoreError> {
        self.database
            .read(move |connection| history::page(connection, workspace, &filter, limit, start))
            .await
    }
}

fn received(
    connection: &Connection,
    device: DeviceId,
    id: MessageId,
    message: Inbound,
) -> Result<EventPayload, StoreError> {
    let quoted = match message.quoted {
        None => None,
        Some(stanza) => Some(
            match messages::quoted(connection, device, &message.chat.to_string(), &stanza)? {
                Some(message) => Quoted::Message(message),
                None => Quoted::Stanza(stanza),
            },
        ),
    };
    Ok(EventPayload::Received {
        message: id,
        chat: message.chat,
        sender: message.sender,
        sender_lid: message.sender_lid,
        push_name: message.push_name,
        sent_at: message.sent_at,
        content: message.content,
        quoted,
    })
}
