//! Names that lead to private addresses, also those that do so only when they are dialled.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, OpCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use postern_domain::webhook::{AttemptFailure, WebhookSecret, WebhookTarget};
use postern_runtime::{SystemClock, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use crate::client::Client;
use crate::config::WebhooksConfig;
use crate::target::Target;

/// A name server that answers questions for IPv4 addresses with one answer after the other, the last one for ever.
struct Names {
    address: SocketAddr,
    asked: Arc<Mutex<u32>>,
    _tasks: Tasks,
}

impl Names {
    async fn answering(answers: &[&[&str]]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let address = socket.local_addr().expect("an address");
        let answers: VecDeque<Vec<RData>> = answers.iter().map(|answer| records(answer)).collect();
        let (asked, tasks) = (Arc::new(Mutex::new(0)), Tasks::new());
        drop(tasks.spawn("names", serve(socket, answers, Arc::clone(&asked))));
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }
}

fn records(addresses: &[&str]) -> Vec<RData> {
    let parse = |text: &&str| RData::from(text.parse::<std::net::IpAddr>().expect("an address"));
    addresses.iter().map(parse).collect()
}

async fn serve(socket: UdpSocket, mut answers: VecDeque<Vec<RData>>, asked: Arc<Mutex<u32>>) {
    let mut buffer = [0; 1_500];
    loop {
        let (size, client) = socket.recv_from(&mut buffer).await.expect("a question");
        let question = Message::from_vec(&buffer[..size]).expect("a message");
        let query = question.queries[0].clone();
        let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
        answer.add_query(query.clone());
        if query.query_type() == RecordType::A {
            *asked.lock().expect("no panic") += 1;
            let several = answers.len() > 1;
            let found = if several {
                answers.pop_front()
            } else {
                answers.front().cloned()
            };
            for data in found.unwrap_or_default() {
                // Good for no time at all, so that it is asked for anew.
                answer.add_answer(Record::from_rdata(query.name().clone(), 0, data));
            }
        }
        let bytes = answer.to_vec().expect("bytes");
        socket.send_to(&bytes, client).await.expect("answered");
    }
}

/// A web server that says yes to everything, and counts who connected.
struct Web {
    port: u16,
    connections: Arc<Mutex<u32>>,
    _tasks: Tasks,
}

impl Web {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let (connections, tasks) = (Arc::new(Mutex::new(0)), Tasks::new());
        let count = Arc::clone(&connections);
        drop(tasks.spawn("web", async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                *count.lock().expect("no panic") += 1;
                // What is asked for is never looked at; the answer waits for the first of it.
                socket.read_u8().await.ok();
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                socket.write_all(answer).await.ok();
            }
        }));
        Self {
            port,
            connections,
            _tasks: tasks,
        }
    }

    fn connections(&self) -> u32 {
        *self.connections.lock().expect("no panic")
    }
}

fn client(names: &Names, allow: &[&str]) -> Client {
    let config = WebhooksConfig {
        allow: allow
            .iter()
            .map(|entry| entry.parse().expect("an entry"))
            .collect(),
        allow_http: true,
        name_servers: vec![names.address],
        timeout: std::time::Duration::from_secs(5),
        ..WebhooksConfig::default()
    };
    Client::new(&config, Arc::new(SystemClock)).expect("a client")
}

async fn post(client: &Client, url: String) -> Option<AttemptFailure> {
    let target = WebhookTarget {
        url,
        headers: Vec::new(),
        secrets: vec![WebhookSecret::from_bytes([7; WebhookSecret::BYTES])],
    };
    let target = Target::new(client.guard(), &target);
    client.post(&target, "evt_1", "{}".into()).await.outcome.failure
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_dialled() {
    let web = Web::start().await;
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"] {
        let names = Names::answering(&[&[address]]).await;
        let failure = post(&client(&names, &[]), format!("http://evil.test:{}/", web.port)).await;
        assert_eq!(failure, Some(AttemptFailure::Blocked), "{address}");
    }
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn a_name_that_was_public_when_it_was_asked_for_is_judged_again_when_it_is_dialled() {
    use reqwest::dns::Resolve as _;
    let web = Web::start().await;
    let names = Names::answering(&[&["93.184.215.14"], &["127.0.0.1"]]).await;
    let client = client(&names, &[]);
    let resolver = crate::guard::GuardedResolver::new(client.guard().clone(), &[names.address]);
    let name = "rebinding.test".parse().expect("a name");
    let found = resolver.resolve(name).await.expect("public");
    assert_eq!(found.count(), 1);
    let failure = post(&client, format!("http://rebinding.test:{}/", web.port)).await;
    assert_eq!(failure, Some(AttemptFailure::Blocked));
    assert_eq!(web.connections(), 0);
    assert_eq!(*names.asked.lock().expect("no panic"), 2);
}

#[tokio::test]
async fn of_several_addresses_only_those_that_are_allowed_are_dialled() {
    let web = Web::start().await;
    // Nothing listens at the second one; the private first one would have answered.
    let names = Names::answering(&[&["127.0.0.1", "127.0.0.2"]]).await;
    let failure = post(
        &client(&names, &["127.0.0.2"]),
        format!("http://both.test:{}/", web.port),
    )
    .await;
    assert_eq!(failure, Some(AttemptFailure::Connect));
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn allowed_names_and_networks_are_dialled_wherever_they_lead() {
    let web = Web::start().await;
    for allowed in ["hooks.internal", "127.0.0.0/8"] {
        let names = Names::answering(&[&["127.0.0.1"]]).await;
        let client = client(&names, &[allowed]);
        assert_eq!(
            post(&client, format!("http://hooks.internal:{}/", web.port)).await,
            None
        );
    }
    assert_eq!(web.connections(), 2);
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told_apart() {
    let names = Names::answering(&[&[]]).await;
    let failure = post(&client(&names, &[]), "http://nowhere.test/".to_owned()).await;
    assert_eq!(failure, Some(AttemptFailure::Dns));
}
