//! `postern operator …`: who may use the dashboard, changed on the data folder by whoever has it.
//!
//! This is the way back in for an owner who is locked out, so it asks for no key and needs no running daemon. While one
//! runs, the two take turns at the database; a schema of another release is then left alone.

use std::io::Read as _;

use anyhow::Context as _;
use postern_dashboard::password_hash;
use postern_domain::{OperatorId, OperatorName, Role, Timestamp, WorkspaceId};
use postern_runtime::{Clock as _, SystemClock};
use postern_store::{Act, Actor, NewOperator, Operator, Store, StoreOptions};
use rand::RngExt as _;
use serde_json::json;

use crate::cli::{OperatorCommand, OperatorVerb};
use crate::print::{ago, aligned, print};
use crate::upkeep::data_dir;

/// Of passwords that are made here: 80 bits of letters and digits that are not taken for one another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const LENGTH: usize = 16;

/// Runs one verb of `postern operator`.
pub(crate) async fn command(
    flags: OperatorCommand,
    environment: Vec<(String, String)>,
) -> anyhow::Result<()> {
    let options = StoreOptions {
        readers: 1,
        write_queue: 16,
        ..StoreOptions::new(data_dir(flags.data, environment)?)
    };
    let store = tokio::task::spawn_blocking(move || Store::open_current(&options)).await??;
    let now = SystemClock.now();
    let workspace = store.first_workspace(now).await?;
    let shell = Shell {
        store: &store,
        workspace,
        now,
    };
    let done = shell.run(flags.verb).await;
    store.close().await;
    done
}

/// Whoever has the data folder.
struct Shell<'a> {
    store: &'a Store,
    workspace: WorkspaceId,
    now: Timestamp,
}

impl Shell<'_> {
    async fn run(&self, verb: OperatorVerb) -> anyhow::Result<()> {
        match verb {
            OperatorVerb::List { json } => {
                let operators = self.store.operators(self.workspace).await?;
                let text = if json {
                    lines(&operators)
                } else {
                    table(&operators, self.now)
                };
                Ok(print(&text)?)
            }
            OperatorVerb::Add { name, role, stdin } => self.add(name, role, stdin).await,
            OperatorVerb::Password { name, stdin } => self.set_password(&name, stdin).await,
            OperatorVerb::Role { name, role } => {
                let id = self.find(&name).await?.id;
                let store = self.acting("operator.role", id, role.name());
                store.set_operator_role(self.workspace, id, role).await?;
                Ok(print(&format!("{name} is {role}\n"))?)
            }
            OperatorVerb::Remove { name } => {
                let id = self.find(&name).await?.id;
                let store = self.acting("operator.remove", id, "");
                store.remove_operator(self.workspace, id).await?;
                Ok(print(&format!("{name} is removed\n"))?)
            }
        }
    }

    async fn add(&self, name: OperatorName, role: Role, stdin: bool) -> anyhow::Result<()> {
        let (password, made) = password(stdin)?;
        let new = NewOperator {
            id: OperatorId::generate(),
            workspace: self.workspace,
            password: password_hash(password, name.as_str()).await?,
            name: name.clone(),
            role,
        };
        let store = self.acting("operator.add", new.id, &format!("{name} as {role}"));
        store.add_operator(new, self.now).await?;
        tell(&name, made)
    }

    async fn set_password(&self, name: &OperatorName, stdin: bool) -> anyhow::Result<()> {
        let id = self.find(name).await?.id;
        let (password, made) = password(stdin)?;
        let hash = password_hash(password, name.as_str()).await?;
        let store = self.acting("operator.password", id, "");
        store
            .set_operator_password(self.workspace, id, hash, None)
            .await?;
        tell(name, made)
    }

    async fn find(&self, name: &OperatorName) -> anyhow::Result<Operator> {
        let operators = self.store.operators(self.workspace).await?;
        let found = operators
            .into_iter()
            .find(|operator| operator.name == name.as_str());
        found.with_context(|| {
            format!("there is no operator {name}; `postern operator list` shows those there are")
        })
    }

    /// The store; what it writes is in the activity of the dashboard.
    fn acting(&self, action: &'static str, target: OperatorId, details: &str) -> Store {
        self.store.acting(Act {
            workspace: self.workspace,
            at: self.now,
            actor: Actor::Shell,
            action,
            target: target.to_string(),
            details: details.to_owned(),
        })
    }
}

/// A password, and whether it was made here and has to be shown.
fn password(stdin: bool) -> anyhow::Result<(String, Option<String>)> {
    if stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok((text.trim_end_matches(['\r', '\n']).to_owned(), None));
    }
    let mut random = rand::rng();
    let made: String = (0..LENGTH)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect();
    Ok((made.clone(), Some(made)))
}

fn tell(name: &OperatorName, made: Option<String>) -> anyhow::Result<()> {
    match made {
        Some(password) => {
            eprintln!(
                "{name} logs in with this password, shown this once, and can change it under their name:"
            );
            Ok(print(&format!("{password}\n"))?)
        }
        None => {
            eprintln!("{name} logs in with that password.");
            Ok(())
        }
    }
}

fn table(operators: &[Operator], now: Timestamp) -> String {
    let rows = operators.iter().map(|operator| {
        let seen = operator.last_seen_at.map(Timestamp::to_rfc3339);
        [
            operator.name.clone(),
            operator.role.to_string(),
            seen.map_or("never".to_owned(), |time| ago(&time, now)),
            operator.id.to_string(),
        ]
    });
    aligned(["NAME", "ROLE", "LAST SEEN", "ID"], rows.collect())
}

fn lines(operators: &[Operator]) -> String {
    let rows = operators.iter().map(|operator| {
        let row = json!({
            "id": operator.id.to_string(),
            "name": operator.name,
            "role": operator.role.name(),
            "createdAt": operator.created_at.to_rfc3339(),
            "lastSeenAt": operator.last_seen_at.map(Timestamp::to_rfc3339),
        });
        format!("{row}\n")
    });
    rows.collect()
}
