//! The device itself: its identity, its account and what a login needs.

use async_trait::async_trait;
use wacore::stats::StorageResourceReport;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::DeviceStore;

use super::DeviceKeys;
use crate::keys::tables::device_records;

#[async_trait]
impl DeviceStore for DeviceKeys {
    async fn save(&self, device: &Device) -> Result<()> {
        let record = device.clone();
        self.write(move |tx, device| device_records::put(tx, device, &record))
            .await
    }

    async fn load(&self) -> Result<Option<Device>> {
        self.read(device_records::get).await
    }

    async fn exists(&self) -> Result<bool> {
        self.read(device_records::exists).await
    }

    /// Makes the device's keys unless it has some.
    async fn create(&self) -> Result<i32> {
        self.write(device_records::create).await
    }

    /// The caches belong to the file and are shared by all devices, so none is attributed to this one.
    async fn resource_report(&self) -> StorageResourceReport {
        StorageResourceReport {
            memory_bytes: Some(0),
            ..StorageResourceReport::default()
        }
    }
}
