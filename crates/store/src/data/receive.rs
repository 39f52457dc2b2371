//! Received messages, and reading messages of both directions back.

use postern_domain::event::EventPayload;
use postern_domain::port::Inbound;
use postern_domain::{DeviceCounters, DeviceId, EventType, MessageId, MessageStatus, Timestamp, WorkspaceId};

use super::records::{Message, MessageFilter, Page, PageStart};
use super::store::Store;
use super::tables::{devices, events, history, messages};
use super::tally::Place;
use crate::StoreError;

impl Store {
    /// Commits received messages, in order, with their events; those known already are folded. Answers how many were new.
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
            for message in batch {
                let id = MessageId::generate();
                if messages::insert_inbound(tx, id, workspace, device, &message, now)? {
                    events::append(
                        tx,
                        device,
                        EventType::MessageReceived,
                        &received(id, message),
                        now,
                    )?;
                    tally.stored(Place::of(workspace, device, now), MessageStatus::Received);
                    new += 1;
                }
            }
            let counted = DeviceCounters {
                received: new as u64,
                ..DeviceCounters::default()
            };
            devices::heard(tx, device, now, counted)?;
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

fn received(id: MessageId, message: Inbound) -> EventPayload {
    EventPayload::Received {
        message: id,
        chat: message.chat,
        sender: message.sender,
        sender_lid: message.sender_lid,
        push_name: message.push_name,
        sent_at: message.sent_at,
        content: message.content,
        quoted: None,
    }
}
