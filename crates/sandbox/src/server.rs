//! The port: a thread of its own with an actix system, so that the sandbox runs inside any program.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, rt, web};
use tokio::sync::oneshot;

use crate::config::StartError;
use crate::network::Network;
use crate::snapshot::StateFile;
use crate::{connection, control};

/// Enough for several thousand messages a second.
const WORKERS: usize = 2;
/// How soon after a change the state is written. Under load a write may take longer than this, and
/// then it is only begun again after this many times its own duration.
const SAVE_AFTER: Duration = Duration::from_millis(500);
const SAVE_SHARE: u32 = 10;

/// A server that runs until its network is told to stop.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// Resolves when everything has ended and the state is saved.
    pub(crate) ended: oneshot::Receiver<()>,
}

pub(crate) async fn start(
    network: web::Data<Network>,
    listen: SocketAddr,
    state_file: Option<StateFile>,
) -> Result<Running, StartError> {
    let (started, starting) = oneshot::channel();
    let (ending, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || {
            rt::System::new().block_on(run(network, listen, state_file, started));
            // Nobody may be waiting.
            ending.send(()).ok();
        })
        .map_err(StartError::Thread)?;
    let address = starting
        .await
        .map_err(|_ended| StartError::Thread(io::Error::other("it ended at once")))?
        .map_err(|source| StartError::Listen {
            address: listen,
            source,
        })?;
    Ok(Running { address, ended })
}

async fn run(
    network: web::Data<Network>,
    listen: SocketAddr,
    state_file: Option<StateFile>,
    started: oneshot::Sender<io::Result<SocketAddr>>,
) {
    let shared = network.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/ws/chat", web::get().to(connection::accept))
            .configure(control::routes)
    })
    .workers(WORKERS)
    .disable_signals()
    .shutdown_timeout(1)
    // Small answers must not wait for the client's acknowledgement of earlier ones.
    .on_connect(|socket, _extensions| {
        if let Some(socket) = socket.downcast_ref::<rt::net::TcpStream>()
            && let Err(error) = socket.set_nodelay(true)
        {
            tracing::debug!(%error, "a socket keeps its delay");
        }
    })
    .bind(listen);
    let bound = server.and_then(|server| {
        let address = server.addrs().first().copied();
        let address = address.ok_or_else(|| io::Error::other("nothing was bound"))?;
        Ok((server.run(), address))
    });
    let (server, address) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            // Whoever asked has given up.
            drop(started.send(Err(error)));
            return;
        }
    };
    let handle = server.handle();
    let stopping = network.stopping.clone();
    rt::spawn(async move {
        stopping.cancelled().await;
        handle.stop(true).await;
    });
    if let Some(file) = state_file.clone() {
        rt::spawn(keep_saved(network.clone(), file));
    }
    drop(started.send(Ok(address)));
    if let Err(error) = server.await {
        tracing::error!(%error, "the sandbox's server failed");
    }
    if let Some(file) = state_file {
        save(&network, &file);
    }
}

async fn keep_saved(network: web::Data<Network>, file: StateFile) {
    let mut pause = SAVE_AFTER;
    loop {
        network.changed.notified().await;
        tokio::time::sleep(pause).await;
        let (network, file) = (network.clone(), file.clone());
        let saving = web::block(move || {
            let begun = Instant::now();
            save(&network, &file);
            begun.elapsed()
        });
        if let Ok(duration) = saving.await {
            pause = SAVE_AFTER.max(duration * SAVE_SHARE);
        }
    }
}

fn save(network: &Network, file: &StateFile) {
    if let Err(error) = file.save(network) {
        tracing::error!(%error, "the sandbox's state was not saved");
    }
}
