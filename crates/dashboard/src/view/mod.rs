//! What is alive on a page: rendered with the page, and again by its stream.

pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod icon;
pub(crate) mod layout;
pub(crate) mod message;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod pairing;
pub(crate) mod parts;
pub(crate) mod qr;
pub(crate) mod sandbox;
pub(crate) mod time;
pub(crate) mod usage;
pub(crate) mod webhooks;

use std::collections::HashMap;
use std::time::Duration;

use maud::Markup;
use postern_domain::{DeviceId, EventId, MessageId, Role, WebhookId, WorkspaceId};
use postern_store::Device;

use self::messages::Listing;
use self::webhooks::attempts::Tries;
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;

/// How many devices are shown at most.
pub(crate) const MOST_DEVICES: usize = 500;

/// What is alive on a page.
#[derive(Clone)]
pub(crate) enum View {
    /// How everything is.
    Overview,
    /// The devices.
    Devices,
    /// One device.
    Device(DeviceId),
    /// Linking a device.
    Pairing(DeviceId),
    /// The newest messages.
    Messages(Box<Listing>),
    /// One message.
    Message(MessageId),
    /// The webhook endpoints.
    Webhooks,
    /// One endpoint and what was tried.
    Webhook(Box<Tries>),
    /// One event on its way to one endpoint.
    Delivery(WebhookId, EventId),
    /// The simulated network, as this contact sees it.
    Sandbox(String),
}

impl View {
    /// Whose codes and states it shows.
    pub(crate) fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Device(id) | Self::Pairing(id) => Some(*id),
            _ => None,
        }
    }

    /// Who may see it; as in the table of routes.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Pairing(_) | Self::Sandbox(_) => Role::Operator,
            _ => Role::Viewer,
        }
    }

    /// The least time between two looks at it: what is counted anew each time is looked at less often.
    pub(crate) fn pause(&self) -> Duration {
        match self {
            Self::Overview | Self::Messages(_) | Self::Webhooks | Self::Webhook(_) | Self::Sandbox(_) => {
                Duration::from_secs(1)
            }
            _ => Duration::from_millis(200),
        }
    }

    /// As it is now.
    pub(crate) async fn live(&self, dashboard: &Dashboard, person: &Person) -> Result<Markup, Failure> {
        match self {
            Self::Overview => overview::live(dashboard, person).await,
            Self::Devices => devices::live(dashboard, person).await,
            Self::Device(id) => device::live(dashboard, person, *id).await,
            Self::Pairing(id) => pairing::live(dashboard, person, *id).await,
            Self::Messages(listing) => messages::live(dashboard, person, listing).await,
            Self::Message(id) => message::live(dashboard, person, *id).await,
            Self::Webhooks => webhooks::list::live(dashboard, person).await,
            Self::Webhook(tries) => webhooks::endpoint::live(dashboard, person, tries).await,
            Self::Delivery(id, event) => webhooks::delivery::live(dashboard, person, (*id, *event)).await,
            Self::Sandbox(contact) => sandbox::live(dashboard, person, contact).await,
        }
    }
}

impl Dashboard {
    /// A device of the person's workspace.
    pub(crate) async fn device(&self, workspace: WorkspaceId, id: DeviceId) -> Result<Device, Failure> {
        self.store.device(workspace, id).await?.ok_or(Failure::NotFound)
    }

    /// The newest devices.
    pub(crate) async fn devices(&self, workspace: WorkspaceId) -> Result<Vec<Device>, Failure> {
        Ok(self.store.devices(workspace, MOST_DEVICES, None).await?.0)
    }
}

/// What devices are called, for lists of what they did.
pub(crate) fn names(devices: &[Device]) -> HashMap<DeviceId, String> {
    devices
        .iter()
        .map(|device| (device.id, device::title(device)))
        .collect()
}
