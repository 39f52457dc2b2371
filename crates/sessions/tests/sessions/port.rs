//! A port that does what a test says and remembers what it was asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::port::{
    CallError, Ending, Inbound, NotCommitted, Observed, Observer, OpenError, Outgoing, SendError, Session,
    WhatsApp,
};
use postern_domain::{Account, Address, DeviceId, PhoneNumber, StanzaId};
use tokio::sync::Notify;

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
    /// What its keys log in to.
    pub(crate) keys: Mutex<Option<Account>>,
    pub(crate) opens: AtomicUsize,
    pub(crate) wipes: AtomicUsize,
    pub(crate) log_outs: AtomicUsize,
    pub(crate) panics: AtomicUsize,
    /// How many opens fail.
    pub(crate) open_failures: AtomicUsize,
    /// Whether the next send panics.
    pub(crate) panics_in_send: AtomicBool,
    /// Clients that were opened and not stopped, and the most there were.
    alive: AtomicUsize,
    pub(crate) most_alive: AtomicUsize,
    /// While this is set, sends to the address hang.
    pub(crate) stuck: Mutex<Option<Address>>,
    /// While this is set, opening it and all sends hang.
    pub(crate) hangs: AtomicBool,
    pub(crate) unstuck: Notify,
    /// While this is set, stopping hangs.
    pub(crate) closes_slowly: AtomicBool,
    pub(crate) stopping: AtomicUsize,
    /// What the client reports while it is being stopped.
    pub(crate) last_words: Mutex<Vec<Observed>>,
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
        self.client(device)
            .report(observer.expect("it is open").as_ref(), observed);
    }

    pub(crate) async fn deliver(&self, device: DeviceId, batch: Vec<Inbound>) -> Result<(), NotCommitted> {
        let observer = self.client(device).observer.lock().expect("no panic").clone();
        observer.expect("it is open").receive(batch).await
    }

    /// Waits until the device's client was opened this many times.
    pub(crate) async fn opened(&self, device: DeviceId, times: usize) {
        let client = self.client(device);
        eventually(async || (client.opens.load(Ordering::SeqCst) >= times).then_some(())).await;
    }

    pub(crate) fn wiped(&self, device: DeviceId) {
        let client = self.client(device);
        client.wipes.fetch_add(1, Ordering::SeqCst);
        *client.keys.lock().expect("no panic") = None;
    }
}

impl Client {
    /// Waits while everything hangs that is asked of it, and what goes to this address.
    async fn answers(&self, to: Option<&Address>) {
        loop {
            let unstuck = self.unstuck.notified();
            let stuck = to.is_some() && self.stuck.lock().expect("no panic").as_ref() == to;
            if !stuck && !self.hangs.load(Ordering::SeqCst) {
                return;
            }
            unstuck.await;
        }
    }

    /// Reports, and has the keys of a link before it says that there is one.
    fn report(&self, observer: &dyn Observer, observed: Observed) {
        if let Observed::Paired { account } = &observed {
            *self.keys.lock().expect("no panic") = Some(account.clone());
        }
        observer.observe(observed);
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
        if client.open_failures.load(Ordering::SeqCst) > 0 {
            client.open_failures.fetch_sub(1, Ordering::SeqCst);
            return Err(OpenError::Client("on purpose".to_owned()));
        }
        let opening = self.opening.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_opening.fetch_max(opening, Ordering::SeqCst);
        let delay = *self.slow_open.lock().expect("no panic");
        tokio::time::sleep(delay).await;
        client.answers(None).await;
        self.opening.fetch_sub(1, Ordering::SeqCst);
        *client.observer.lock().expect("no panic") = Some(observer);
        let alive = client.alive.fetch_add(1, Ordering::SeqCst) + 1;
        client.most_alive.fetch_max(alive, Ordering::SeqCst);
        client.opens.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(ClientSession(client, AtomicBool::new(false))))
    }
}

/// A client, and whether it was stopped.
struct ClientSession(Arc<Client>, AtomicBool);

#[async_trait]
impl Session for ClientSession {
    async fn send(&self, message: &Outgoing) -> Result<(), SendError> {
        if let Some(failure) = self.0.failures.lock().expect("no panic").pop() {
            return Err(failure);
        }
        assert!(!self.0.panics_in_send.swap(false, Ordering::SeqCst), "on purpose");
        self.0.answers(Some(&message.to)).await;
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
        self.0.stopping.fetch_add(1, Ordering::SeqCst);
        while self.0.closes_slowly.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if !self.1.swap(true, Ordering::SeqCst) {
            self.0.alive.fetch_sub(1, Ordering::SeqCst);
        }
        let last_words = std::mem::take(&mut *self.0.last_words.lock().expect("no panic"));
        let observer = self.0.observer.lock().expect("no panic").clone();
        if let Some(observer) = observer {
            last_words
                .into_iter()
                .for_each(|observed| self.0.report(observer.as_ref(), observed));
            observer.observe(Observed::Ended(Ending::Stopped));
        }
    }
}
