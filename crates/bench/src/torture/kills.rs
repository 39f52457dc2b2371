//! Kills the daemon, and starts it again: sometimes several times before it gets anywhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use postern_testkit::{Http, TestDaemon};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::fleet;
use crate::soak::clients::Client;
use crate::soak::history::KILL;
use crate::soak::world::{World, locked};

/// Kills in a round, at least and at most.
const KILLS: std::ops::RangeInclusive<usize> = 1..=3;
/// Starts that are killed as well before one is left alone, at most.
const DEATHS: std::ops::RangeInclusive<usize> = 0..=3;
/// How long such a start lives at most: it has hardly begun, it is opening its files, or it answers already.
const LIVES: [Duration; 3] = [
    Duration::from_millis(3),
    Duration::from_millis(40),
    Duration::from_millis(400),
];
/// How long the daemon is away at most before it is started.
const AWAY: Duration = Duration::from_millis(200);
/// Between two looks at the devices.
const LOOK: Duration = Duration::from_millis(20);

/// The daemon, and what was done to it.
pub(crate) struct Killer {
    world: Arc<World>,
    daemon: TestDaemon,
    addresses: watch::Sender<Http>,
    chance: StdRng,
    /// Posts a message as soon as the daemon is back.
    probe: Client,
    probed: u64,
    kills: usize,
    while_starting: usize,
    /// From the start of the program to the first 202, in microseconds.
    accepting: Histogram<u64>,
    /// From the same moment to the login of the last device, where no further kill came before, in microseconds.
    connected: Histogram<u64>,
    log: Vec<String>,
}

impl Killer {
    /// `earlier` starts were killed before.
    pub(crate) fn new(
        world: Arc<World>,
        daemon: TestDaemon,
        addresses: watch::Sender<Http>,
        chance: StdRng,
        earlier: usize,
    ) -> Self {
        let number = world.contacts.len();
        let probe = Client {
            number,
            chats: vec![(0, number - 1)],
            pause: Duration::ZERO,
        };
        let histogram = || Histogram::new_with_max(600_000_000, 3).expect("three digits are few");
        Self {
            world,
            daemon,
            addresses,
            chance,
            probe,
            probed: 0,
            kills: earlier,
            while_starting: earlier,
            accepting: histogram(),
            connected: histogram(),
            log: Vec::new(),
        }
    }

    /// Kills a few times in a round that begins at `start`; returns when the round is over.
    pub(crate) async fn round(&mut self, start: Instant, length: Duration) -> anyhow::Result<()> {
        let (count, end) = (self.chance.random_range(KILLS), start + length);
        let mut moments: Vec<Instant> = (0..count)
            .map(|_| start + self.chance.random_range(Duration::ZERO..length))
            .collect();
        moments.sort_unstable();
        let nexts = moments.iter().skip(1).chain([&end]);
        for (moment, next) in moments.iter().zip(nexts) {
            sleep_until(*moment).await;
            let back = self.kill().await?;
            if timeout_at(*next, self.all_connected()).await.is_ok() {
                self.connected.saturating_record(micros(back.elapsed()));
            }
        }
        sleep_until(end).await;
        Ok(())
    }

    /// SIGKILL, and a start that goes through in the end; answers when its program began to run.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<Instant> {
        let now = self.world.now();
        locked(&self.world.history).struck(now, None, KILL.to_owned());
        self.daemon.kill().await?;
        self.kills += 1;
        self.log
            .push(format!("-- killed after {:.3} s", now.as_secs_f64()));
        self.log.extend(self.daemon.log());
        sleep(self.chance.random_range(Duration::ZERO..AWAY)).await;
        for _ in 0..self.chance.random_range(DEATHS) {
            let longest = LIVES.choose(&mut self.chance).copied().unwrap_or(AWAY);
            let after = self.chance.random_range(Duration::ZERO..longest);
            self.daemon.die_while_starting(after).await?;
            self.kills += 1;
            self.while_starting += 1;
        }
        let back = Instant::now();
        self.daemon.restart().await?;
        self.addresses.send_replace(self.daemon.http().clone());
        self.probed += 1;
        self.probe.post(&self.world, &mut self.chance, self.probed).await;
        self.accepting.saturating_record(micros(back.elapsed()));
        Ok(back)
    }

    async fn all_connected(&self) {
        loop {
            // An error is a moment in which it does not answer yet.
            let states = fleet::states(self.daemon.http()).await.unwrap_or_default();
            if !states.is_empty() && states.values().all(fleet::Shown::is_connected) {
                return;
            }
            sleep(LOOK).await;
        }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.daemon.data_dir()
    }

    /// How many there were, and how many of them while it was starting.
    pub(crate) fn kills(&self) -> (usize, usize) {
        (self.kills, self.while_starting)
    }

    pub(crate) fn accepting(&self) -> &Histogram<u64> {
        &self.accepting
    }

    pub(crate) fn connected(&self) -> &Histogram<u64> {
        &self.connected
    }

    /// A line on how it goes.
    pub(crate) fn so_far(&self) -> String {
        format!(
            "{} kills, {} accepted, {} requests repeated, {} written by contacts",
            self.kills,
            locked(&self.world.accepted).len(),
            self.world.tally.repeated(),
            locked(&self.world.written).len()
        )
    }

    /// What the daemon said in all its lives.
    pub(crate) fn log(&self) -> Vec<String> {
        [self.log.clone(), self.daemon.log()].concat()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
