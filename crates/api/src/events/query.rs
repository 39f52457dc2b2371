//! Which events a list or a stream is to have.

use postern_domain::EventType;
use postern_domain::webhook::EventTypes;
use postern_store::EventFilter;

use crate::extract::QueryFields;

impl QueryFields {
    /// The filters that lists and streams share.
    pub(super) fn event_filter(&mut self) -> EventFilter {
        EventFilter {
            types: self.take("type", event_types).unwrap_or(EventTypes::ALL),
            device: self.id("deviceId"),
            from: self.time("from"),
            until: None,
        }
    }
}

/// One type or several with commas in between.
fn event_types(text: &str) -> Result<EventTypes, String> {
    let types: Result<Vec<EventType>, ()> = text.split(',').map(str::parse).collect();
    types.map(EventTypes::only).map_err(|()| {
        let names = EventType::ALL.map(EventType::name);
        format!(
            "must be one or more of these, with commas in between: {}",
            names.join(", ")
        )
    })
}
