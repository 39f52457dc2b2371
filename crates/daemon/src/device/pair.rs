//! `postern device pair`: shows the code until somebody used it, then waits until the device is connected.

use std::io::Stdout;
use std::time::Duration;

use postern_domain::{DeviceReason, DeviceState, PhoneNumber, Timestamp};
use postern_runtime::{Clock as _, SystemClock};
use tokio::time::{MissedTickBehavior, interval};

use super::advice::{command, sentence, way_out};
use super::client::Client;
use super::find;
use super::model::{Code, Device};
use super::screen::Screen;
use crate::cli::PairDevice;
use crate::print::printable;
use crate::serve::asked_to_stop;

/// How often the daemon is asked, and the countdown moves.
const TICK: Duration = Duration::from_secs(1);

pub(super) async fn run(client: &Client, flags: PairDevice) -> anyhow::Result<()> {
    let device = find::device(client, &flags.device).await?;
    link(client, device, flags.code, flags.again).await
}

/// Links `device` by a QR code, or by one to be typed in on `phone`; once the codes are used up it goes on only if
/// it is to be done `again`.
///
/// # Errors
/// It was not linked, or somebody pressed Ctrl-C.
pub(super) async fn link(
    client: &Client,
    device: Device,
    phone: Option<PhoneNumber>,
    again: bool,
) -> anyhow::Result<()> {
    let mut pairing = Pairing {
        client,
        phone,
        again,
        screen: Screen::on_stdout(),
        shown: None,
    };
    let outcome = tokio::select! {
        outcome = pairing.run(device) => outcome,
        stopped = asked_to_stop() => stopped.and_then(|()| Err(anyhow::anyhow!(
            "stopped; whoever has a code that was shown can use it until it runs out"
        ))),
    };
    // Whatever happened, no code stays on the screen.
    pairing.screen.clear()?;
    outcome
}

struct Pairing<'a> {
    client: &'a Client,
    phone: Option<PhoneNumber>,
    again: bool,
    screen: Screen<Stdout>,
    /// The code on show.
    shown: Option<Code>,
}

/// How one round of codes ended.
enum End {
    Linked(Device),
    /// Nobody used a code.
    UsedUp(Device),
    /// The device went elsewhere, e.g. because WhatsApp refused.
    Otherwise(Device),
}

impl Pairing<'_> {
    async fn run(&mut self, mut device: Device) -> anyhow::Result<()> {
        loop {
            self.ask(&device).await?;
            device = match self.follow(&device).await? {
                End::Linked(device) => return Ok(self.screen.say(&sentence(&device))?),
                End::Otherwise(device) => {
                    anyhow::bail!("{}. {}", sentence(&device), way_out(&device))
                }
                End::UsedUp(device) if self.again => device,
                End::UsedUp(device) => anyhow::bail!(
                    "no code was used in time; start again with {}, or let --again show new ones until one is used",
                    command("pair", &device)
                ),
            };
            self.screen
                .say("No code was used in time; asking for new ones.")?;
        }
    }

    /// Asks for codes of the wanted kind.
    async fn ask(&mut self, device: &Device) -> anyhow::Result<()> {
        self.shown = None;
        self.screen.show("", "Asking for a code…")?;
        match self.phone {
            None => drop(self.client.ask(&device.id, "pair").await?),
            Some(phone) => self.client.ask_for_pairing_code(&device.id, phone).await?,
        }
        Ok(())
    }

    /// The code on show, if one is.
    async fn code(&self, device: &Device) -> anyhow::Result<Option<Code>> {
        Ok(if device.is_because(DeviceReason::QrShown) {
            self.client.qr(&device.id).await?
        } else if device.is_because(DeviceReason::PairingCodeShown) {
            self.client.pairing_code(&device.id).await?
        } else {
            None
        })
    }

    /// Keeps the code on show up to date until the device is linked and connected, or pairing has ended.
    async fn follow(&mut self, before: &Device) -> anyhow::Result<End> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut accepted = false;
        loop {
            ticks.tick().await;
            let device = self.client.device(&before.id).await?;
            let device = device.ok_or_else(|| anyhow::anyhow!("the device was removed meanwhile"))?;
            if device.is(DeviceState::Connected) {
                return Ok(End::Linked(device));
            }
            // Until a session takes the request up, the device is what it was.
            let is_taken_up = !device.is_still(before) || before.is(DeviceState::Pairing);
            let is_under_way = device.is(DeviceState::Pairing) || device.is(DeviceState::Degraded);
            if is_taken_up && !is_under_way {
                let is_used_up = device.is_because(DeviceReason::QrExpired)
                    || device.is_because(DeviceReason::PairingCodeExpired);
                return Ok(if is_used_up {
                    End::UsedUp(device)
                } else {
                    End::Otherwise(device)
                });
            }
            if device.is_because(DeviceReason::LoggingIn) && !accepted {
                accepted = true;
                self.shown = None;
                self.screen.say("The phone accepted; logging in.")?;
            }
            if let Some(code) = self.code(&device).await? {
                self.show(code)?;
            }
            self.count_down()?;
        }
    }

    /// Shows a code, unless it is the one on show.
    fn show(&mut self, code: Code) -> anyhow::Result<()> {
        let is_new = self.shown.as_ref().is_none_or(|shown| shown.code != code.code);
        if is_new {
            let caption = caption(&code, SystemClock.now());
            self.screen.show(&picture(&code, self.phone)?, &caption)?;
        }
        self.shown = Some(code);
        Ok(())
    }

    fn count_down(&mut self) -> anyhow::Result<()> {
        match &self.shown {
            Some(code) => Ok(self.screen.caption(&caption(code, SystemClock.now()))?),
            None => Ok(()),
        }
    }
}

/// What to do with a code, and the code, in whole lines.
fn picture(code: &Code, phone: Option<PhoneNumber>) -> anyhow::Result<String> {
    let way = "WhatsApp > Linked devices > Link a device";
    if let Some(phone) = phone {
        let code = printable(&code.code);
        return Ok(format!(
            "Type it on {phone}: {way} > Link with phone number\n\n    {code}\n\n"
        ));
    }
    let drawing = postern_api::qr::terminal(&code.code)?;
    // Three more: these two, and the caption.
    let height = drawing.lines().count() + 3;
    Ok(format!(
        "Scan it on the phone: {way}\n(Cut off? It needs a window of {height} lines.)\n{drawing}"
    ))
}

fn caption(code: &Code, now: Timestamp) -> String {
    let seconds = Timestamp::from_rfc3339(&code.expires_at).map(|time| time.since(now).as_secs());
    match seconds {
        Some(0) => "It has run out; waiting for the phone, or the next code…".to_owned(),
        Some(seconds) => format!("Valid for {seconds} s more; Ctrl-C ends this."),
        None => format!("Valid until {}; Ctrl-C ends this.", code.expires_at),
    }
}
