//! Codes that change and run out, from a daemon whose answers are written down, because real ones take minutes.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, web};
use postern_runtime::Tasks;
use serde_json::{Value, json};

use super::code::{read, row_of};
use super::{command_at, run};

const ID: &str = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D";

/// What was asked of the daemon so far.
#[derive(Default)]
struct Script {
    /// Requests to pair.
    rounds: usize,
    /// Looks at the device in this round.
    looks: usize,
    /// The round in which the phone accepts; none unless told.
    accepted_in: Option<usize>,
}

type Shared = web::Data<Arc<Mutex<Script>>>;

impl Script {
    /// A round begins with nothing, shows one code twice and another once, and is over.
    fn device(&self) -> Value {
        let (state, reason) = match self.looks {
            _ if self.rounds == 0 => ("unlinked", "new"),
            0 => ("unlinked", "qr_expired"),
            _ if self.accepted_in == Some(self.rounds) => ("connected", "healthy"),
            1 => ("pairing", "awaiting_code"),
            2..=4 => ("pairing", "qr_shown"),
            _ => ("unlinked", "qr_expired"),
        };
        json!({
            "id": ID, "name": "support", "state": state, "reason": reason,
            "since": format!("{}:{state}:{reason}", self.rounds), "retryAt": null, "intent": "linked",
            "account": { "phone": "+4915112345678", "pushName": null, "platform": null }, "createdAt": "",
            "counters": { "reconnects": 0, "sent": 0, "received": 0, "parked": 0 },
        })
    }

    fn code(&self) -> String {
        let number = if self.looks < 4 { 1 } else { 2 };
        format!("round {} code {number}", self.rounds)
    }
}

async fn pair(script: Shared) -> HttpResponse {
    let mut script = script.lock().expect("no panic");
    let before = script.device();
    (script.rounds, script.looks) = (script.rounds + 1, 0);
    HttpResponse::Accepted().json(before)
}

async fn device(script: Shared) -> HttpResponse {
    let mut script = script.lock().expect("no panic");
    script.looks += 1;
    HttpResponse::Ok().json(script.device())
}

async fn qr(script: Shared) -> HttpResponse {
    let code = script.lock().expect("no panic").code();
    HttpResponse::Ok().json(json!({ "code": code, "expiresAt": "2999-01-01T00:00:00.000Z" }))
}

/// Starts the daemon; answers its address.
fn serve(tasks: &Tasks, script: &Arc<Mutex<Script>>) -> anyhow::Result<String> {
    let script = Arc::clone(script);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(Arc::clone(&script)))
            .route("/v1/devices/{id}", web::get().to(device))
            .route("/v1/devices/{id}/pair", web::post().to(pair))
            .route("/v1/devices/{id}/qr.json", web::get().to(qr))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0")?;
    let address = server.addrs()[0];
    drop(tasks.spawn("a daemon with a script", server.run()));
    Ok(format!("http://{address}"))
}

/// The codes in what was printed, in order.
fn codes(text: &str) -> anyhow::Result<Vec<String>> {
    let (mut codes, mut rows) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match row_of(line) {
            Some(row) => rows.push(row.to_owned()),
            None if rows.is_empty() => {}
            None => codes.push(read(&std::mem::take(&mut rows))?),
        }
    }
    Ok(codes)
}

#[tokio::test]
async fn each_new_code_is_shown_once_and_the_end_says_how_to_start_again() -> anyhow::Result<()> {
    let (tasks, script) = (Tasks::new(), Arc::default());
    let url = serve(&tasks, &script)?;
    let key = format!("sk_live_{}", "0".repeat(48));
    let said = run(command_at(&url, &key, &["pair", ID])).await?;
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert_eq!(codes(&said.out)?, ["round 1 code 1", "round 1 code 2"]);
    assert!(said.err.contains("`postern device pair support`"), "{}", said.err);
    assert!(said.err.contains("--again"), "{}", said.err);
    Ok(())
}

#[tokio::test]
async fn again_goes_on_until_a_code_is_used() -> anyhow::Result<()> {
    let (tasks, script) = (Tasks::new(), Arc::new(Mutex::new(Script::default())));
    script.lock().expect("no panic").accepted_in = Some(2);
    let url = serve(&tasks, &script)?;
    let key = format!("sk_live_{}", "0".repeat(48));
    let said = run(command_at(&url, &key, &["pair", ID, "--again"])).await?;
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.ends_with("is connected (healthy) as +4915112345678\n"),
        "{}",
        said.out
    );
    assert_eq!(script.lock().expect("no panic").rounds, 2);
    Ok(())
}
