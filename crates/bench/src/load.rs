//! A load generator that costs little: prepared bytes over kept-alive connections, one request at a time on each.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::meter::per_second;

/// What a run showed.
pub(crate) struct Run {
    /// Requests answered a second.
    pub rate: f64,
    /// Time from the first byte sent to the last byte read, in microseconds.
    pub latency: Histogram<u64>,
}

/// How to make the requests of a run.
#[derive(Clone)]
pub(crate) struct Requests {
    /// Host and port.
    pub address: String,
    /// The value of the Authorization header, when there is one.
    pub authorization: Option<String>,
    /// The JSON bodies: one for each connection, the same each time; those of more connections begin anew.
    pub bodies: Vec<String>,
    /// Makes the idempotency keys of this run differ from those of others.
    pub run: String,
}

/// Sends `total` requests over `connections` connections and waits for every answer.
pub(crate) async fn run(requests: &Requests, connections: u64, total: u64) -> anyhow::Result<Run> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let share = total / connections + u64::from(connection < total % connections);
        tasks.spawn(one_connection(requests.clone(), connection, share));
    }
    let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    while let Some(joined) = tasks.join_next().await {
        latency.add(joined??)?;
    }
    let rate = per_second(total, started.elapsed().as_secs_f64());
    Ok(Run { rate, latency })
}

async fn one_connection(requests: Requests, connection: u64, count: u64) -> anyhow::Result<Histogram<u64>> {
    let mut socket = TcpStream::connect(&requests.address).await?;
    socket.set_nodelay(true)?;
    let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let mut answer = Vec::with_capacity(4096);
    let authorization = requests
        .authorization
        .map(|value| format!("Authorization: {value}\r\n"))
        .unwrap_or_default();
    let body = &requests.bodies[usize::try_from(connection)? % requests.bodies.len()];
    for number in 0..count {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: application/json\r\n\
             Idempotency-Key: {}-{connection}-{number}\r\nContent-Length: {}\r\n\r\n{}",
            requests.address,
            requests.run,
            body.len(),
            body
        );
        let sent = Instant::now();
        socket.write_all(request.as_bytes()).await?;
        read_answer(&mut socket, &mut answer).await?;
        latency.saturating_record(micros(sent.elapsed()));
    }
    Ok(latency)
}

async fn read_answer(socket: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    answer.clear();
    loop {
        anyhow::ensure!(
            socket.read_buf(answer).await? > 0,
            "the server closed the connection"
        );
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&answer[..end])?;
        anyhow::ensure!(
            head.starts_with("HTTP/1.1 202"),
            "not accepted: {}",
            String::from_utf8_lossy(answer)
        );
        let length: usize = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")
                    .map(|value| value.trim().parse())
            })
            .context("no content length")??;
        while answer.len() < end + 4 + length {
            anyhow::ensure!(
                socket.read_buf(answer).await? > 0,
                "the server closed the connection"
            );
        }
        return Ok(());
    }
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
