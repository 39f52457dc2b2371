//! A port that does what a test says and remembers what it was asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::port::{
    CallError, Ending, Observed, Observer, OpenError, Outgoing, SendError, Session, WhatsApp,
};
use postern_domain::{DeviceId, PhoneNumber, StanzaId};

use crate::eventually;

/// All scripted clients.
#[derive(Default)]
pub(crate) struct Network {
    devices: Mutex<HashMap<DeviceId, Arc<Client>>>,
    /// Opening takes this long, and is counted while it does.
    pub(crate) slow_open: Mutex<Duration>,
    opening: AtomicUsize,
    pub(crate) most_opening: AtomicUsize,
}

/// What is known of one device.
#[derive(Default)]
pub(crate) struct Client {
    observer: Mutex<Option<Arc<dyn Observer>>>,
    pub(crate) opens: AtomicUsize,
    pub(crate) wipes: AtomicUsize,
    pub(crate) log_outs: AtomicUsize,
    pub(crate) panics: AtomicUsize,
    pub(crate) sent: Mutex<Vec<StanzaId>>,
    /// What the next sends answer.
    pub(crate) failures: Mutex<Vec<SendError>>,
    /// Acknowledge whatever is sent.
    pub(crate) acks: AtomicBool,
    pub(crate) codes_for: Mutex<Vec<PhoneNumber>>,
}

impl Network {
    pub(crate) fn client(&self, device: DeviceId) -> Arc<Client> {
        let mut devices = self.devices.lock().expect("no panic");
        Arc::clone(devices.entry(device).or_insert_with(|| {
            Arc::new(Client {
                acks: AtomicBool::new(true),
                ..Client::default()
            })
        }))
    }

    pub(crate) fn tell(&self, device: DeviceId, observed: Observed) {
        let observer = self.client(device).observer.lock().expect("no panic").clone();
        observer.expect("it is open").observe(observed);
    }

    /// Waits until the device's client was opened this many times.
    pub(crate) async fn opened(&self, device: DeviceId, times: usize) {
        let client = self.client(device);
        eventually(async || (client.opens.load(Ordering::SeqCst) >= times).then_some(())).await;
    }

    pub(crate) fn wiped(&self, device: DeviceId) {
        self.client(device).wipes.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl WhatsApp for Network {
    async fn open(
        &self,
        device: DeviceId,
        observer: Arc<dyn Observer>,
    ) -> Result<Arc<dyn Session>, OpenError> {
        let client = self.client(device);
        if client.panics.load(Ordering::SeqCst) > 0 {
            client.panics.fetch_sub(1, Ordering::SeqCst);
            panic!("on purpose");
        }
        let opening = self.opening.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_opening.fetch_max(opening, Ordering::SeqCst);
        let delay = *self.slow_open.lock().expect("no panic");
        tokio::time::sleep(delay).await;
        self.opening.fetch_sub(1, Ordering::SeqCst);
        *client.observer.lock().expect("no panic") = Some(observer);
        client.opens.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(ClientSession(client)))
    }
}

struct ClientSession(Arc<Client>);

#[async_trait]
impl Session for ClientSession {
    async fn send(&self, message: &Outgoing) -> Result<(), SendError> {
        if let Some(failure) = self.0.failures.lock().expect("no panic").pop() {
            return Err(failure);
        }
        self.0.sent.lock().expect("no panic").push(message.stanza.clone());
        if self.0.acks.load(Ordering::SeqCst) {
            let observer = self.0.observer.lock().expect("no panic").clone().expect("open");
            observer.observe(Observed::Acked {
                stanza: message.stanza.clone(),
                at: None,
            });
        }
        Ok(())
    }

    async fn request_pairing_code(&self, phone: PhoneNumber) -> Result<(), CallError> {
        self.0.codes_for.lock().expect("no panic").push(phone);
        Ok(())
    }

    async fn log_out(&self) -> Result<(), CallError> {
        self.0.log_outs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn stop(&self) {
        let observer = self.0.observer.lock().expect("no panic").clone();
        if let Some(observer) = observer {
            observer.observe(Observed::Ended(Ending::Stopped));
        }
    }
}
