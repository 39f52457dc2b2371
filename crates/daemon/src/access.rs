//! `postern workspace …` and `postern keys …`: manage who may call a running daemon, over its REST API.
//!
//! Keys and ids go to standard output, a line each; what is said about them to standard error.

use postern_domain::Scope;
use postern_runtime::{Clock as _, SystemClock};
use serde_json::json;
use serde_json::value::RawValue;

use crate::cli::{CreateKey, KeysCommand, KeysVerb, WorkspaceCommand, WorkspaceVerb};
use crate::client::Client;
use crate::client::access::{Key, NewKey, Workspace};
use crate::print::{aligned, print};

/// Runs one verb of `postern workspace`.
pub(crate) async fn workspace(
    flags: WorkspaceCommand,
    environment: &[(String, String)],
) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    let changed = match flags.verb {
        WorkspaceVerb::Create { name, plan } => {
            let made = client.create_workspace(&name, &plan).await?;
            eprintln!("Its first API key, shown this once, is for everything in it:");
            return Ok(print(&format!("{}\n{}\n", made.workspace.id, made.api_key.key))?);
        }
        WorkspaceVerb::List { json: true } => return print_lines(&client.workspaces_json().await?),
        WorkspaceVerb::List { json: false } => return Ok(print(&workspaces(&client.workspaces().await?))?),
        WorkspaceVerb::Plan { workspace, plan } => {
            let id = workspace_id(&client, &workspace).await?;
            client.set_plan(&id, &plan).await?
        }
        WorkspaceVerb::Deactivate { workspace, reason } => {
            let id = workspace_id(&client, &workspace).await?;
            client.switch(&id, Some(&reason)).await?
        }
        WorkspaceVerb::Activate { workspace } => {
            let id = workspace_id(&client, &workspace).await?;
            client.switch(&id, None).await?
        }
    };
    Ok(print(&workspaces(&[changed]))?)
}

/// Runs one verb of `postern keys`.
pub(crate) async fn keys(flags: KeysCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    match flags.verb {
        KeysVerb::Create(flags) => show(&create(&client, flags).await?),
        KeysVerb::List { json: true } => print_lines(&client.keys_json().await?),
        KeysVerb::List { json: false } => Ok(print(&table(&client.keys().await?))?),
        KeysVerb::Revoke { key } => {
            let id = key_id(&client, &key).await?;
            client.revoke_key(&id).await?;
            Ok(print(&format!("{id} is revoked\n"))?)
        }
        KeysVerb::Rotate { key, overlap } => {
            let id = key_id(&client, &key).await?;
            show(&client.rotate_key(&id, overlap).await?)?;
            eprintln!("{id} stays valid for {overlap} s.");
            Ok(())
        }
    }
}

fn print_lines(rows: &[Box<RawValue>]) -> anyhow::Result<()> {
    let lines: String = rows.iter().map(|row| format!("{}\n", row.get())).collect();
    Ok(print(&lines)?)
}

async fn create(client: &Client, flags: CreateKey) -> anyhow::Result<NewKey> {
    let names: Vec<_> = flags.scopes.into_iter().map(Scope::name).collect();
    let networks: Vec<_> = flags.networks.iter().map(ToString::to_string).collect();
    let body = json!({
        "name": flags.name, "scopes": names, "allowedIps": networks, "expiresAt": flags.expires,
    });
    let workspace = flags.workspace.map(|id| id.to_string());
    Ok(client.create_key(workspace.as_deref(), &body).await?)
}

fn show(made: &NewKey) -> anyhow::Result<()> {
    eprintln!("{}, shown this once:", made.id);
    Ok(print(&format!("{}\n", made.key))?)
}

async fn workspace_id(client: &Client, named: &str) -> anyhow::Result<String> {
    if named.starts_with(postern_domain::WorkspaceId::PREFIX) {
        return Ok(named.to_owned());
    }
    let all = client.workspaces().await?.into_iter();
    let so_called = all.filter(|workspace| workspace.name == named);
    only_one(
        "workspace",
        named,
        so_called.map(|workspace| workspace.id).collect(),
    )
}

async fn key_id(client: &Client, named: &str) -> anyhow::Result<String> {
    if named.starts_with(postern_domain::ApiKeyId::PREFIX) {
        return Ok(named.to_owned());
    }
    let all = client.keys().await?.into_iter();
    let now = SystemClock.now();
    let so_called = all.filter(|key| key.name == named && !key.has_ended(now));
    only_one("valid API key", named, so_called.map(|key| key.id).collect())
}

/// # Errors
/// There is none, or more than one.
fn only_one(kind: &str, name: &str, mut ids: Vec<String>) -> anyhow::Result<String> {
    anyhow::ensure!(
        ids.len() < 2,
        "more than one {kind} is called \"{name}\"; name one by its id: {}",
        ids.join(", ")
    );
    ids.pop().ok_or_else(|| {
        anyhow::anyhow!("no {kind} is called \"{name}\"; the verb `list` shows those there are")
    })
}

fn workspaces(workspaces: &[Workspace]) -> String {
    let rows = workspaces.iter().map(|workspace| {
        let deactivated = workspace.deactivated.as_ref();
        let state = deactivated.map_or("active".to_owned(), |why| format!("deactivated: {}", why.reason));
        [
            &workspace.id,
            &workspace.name,
            &workspace.plan,
            &workspace.created_at,
            &state,
        ]
        .map(String::clone)
    });
    aligned(["ID", "NAME", "PLAN", "CREATED", "STATE"], rows.collect())
}

fn table(keys: &[Key]) -> String {
    let rows = keys.iter().map(|key| {
        let end = match (&key.revoked_at, &key.expires_at) {
            (Some(revoked), _) => format!("revoked {revoked}"),
            (None, Some(expiry)) => expiry.clone(),
            (None, None) => "never".to_owned(),
        };
        let used = key.last_used_at.clone().unwrap_or_else(|| "never".to_owned());
        let shown = format!("{}…{}", key.prefix, key.last_four);
        let scopes = key.scopes.join(",");
        [&key.id, &key.name, &shown, &used, &end, &scopes].map(String::clone)
    });
    aligned(
        ["ID", "NAME", "KEY", "LAST USED", "ENDS", "SCOPES"],
        rows.collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_names_one_or_says_why_not() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(only_one("key", "a", ids(&["key_1"])).expect("one"), "key_1");
        let two = only_one("key", "a", ids(&["key_1", "key_2"])).expect_err("two");
        assert!(two.to_string().contains("key_1, key_2"));
        let none = only_one("key", "a", ids(&[])).expect_err("none").to_string();
        assert!(none.contains("no key is called \"a\""), "{none}");
    }

    #[test]
    fn workspaces_are_listed_with_what_is_the_matter() {
        let workspace = Workspace {
            id: "ws_1".to_owned(),
            name: "AC\u{1b}ME".to_owned(),
            plan: "pro".to_owned(),
            deactivated: None,
            created_at: "2026-11-01".to_owned(),
        };
        let expected = "\
ID    NAME   PLAN  CREATED     STATE
ws_1  AC\u{fffd}ME  pro   2026-11-01  active
";
        assert_eq!(workspaces(&[workspace]), expected);
    }
}
