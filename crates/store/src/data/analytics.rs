//! Summing up the numbers of days: of a workspace, of its devices, of each day.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use postern_domain::{Day, DeviceId, WorkspaceId};

use super::records::{Figures, Summary};
use super::store::Store;
use super::tables::daily;
use crate::StoreError;

impl Store {
    /// What was counted of the messages that were accepted or received on these days, of one device or of all.
    ///
    /// Nothing is counted here, so it costs what there are days and devices, whatever there are messages. Messages that
    /// were forgotten are part of it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn summary(
        &self,
        workspace: WorkspaceId,
        device: Option<DeviceId>,
        days: RangeInclusive<Day>,
    ) -> Result<Summary, StoreError> {
        self.database
            .read(move |connection| {
                let mut sums = Sums::default();
                daily::each_count(connection, workspace, device, &days, |place, status, count| {
                    for figures in sums.at(place.day, place.device) {
                        figures.count(status, count);
                    }
                })?;
                daily::each_latency(connection, workspace, device, &days, |place, sent, delivered| {
                    for figures in sums.at(place.day, place.device) {
                        figures.sent.merge(sent);
                        figures.delivered.merge(delivered);
                    }
                })?;
                Ok(sums.finish())
            })
            .await
    }
}

#[derive(Default)]
struct Sums {
    all: Figures,
    devices: BTreeMap<DeviceId, Figures>,
    days: BTreeMap<Day, Figures>,
}

impl Sums {
    /// All sums that something of a device on a day is part of.
    fn at(&mut self, day: Day, device: DeviceId) -> [&mut Figures; 3] {
        [
            &mut self.all,
            self.devices.entry(device).or_default(),
            self.days.entry(day).or_default(),
        ]
    }

    fn finish(self) -> Summary {
        Summary {
            all: self.all,
            devices: self.devices.into_iter().collect(),
            days: self.days.into_iter().collect(),
        }
    }
}
