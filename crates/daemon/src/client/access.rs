//! The calls about workspaces and API keys.

use postern_domain::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::devices::encoded;
use super::model::Page;
use super::{Client, Failure};

/// A workspace.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) plan: String,
    pub(crate) deactivated: Option<Deactivated>,
    pub(crate) created_at: String,
}

/// Why a workspace may do nothing.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Deactivated {
    pub(crate) reason: String,
}

/// A workspace that was made, and its first key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedWorkspace {
    pub(crate) workspace: Workspace,
    pub(crate) api_key: NewKey,
}

/// An API key without the key itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) last_four: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<String>,
    pub(crate) revoked_at: Option<String>,
    pub(crate) last_used_at: Option<String>,
}

impl Key {
    /// Whether it was revoked or has expired.
    pub(crate) fn has_ended(&self, now: Timestamp) -> bool {
        let expiry = self.expires_at.as_deref().and_then(Timestamp::from_rfc3339);
        self.revoked_at.is_some() || expiry.is_some_and(|expiry| expiry <= now)
    }
}

/// An API key that was made: the key itself is shown this once.
#[derive(Deserialize)]
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) key: String,
}

impl Client {
    /// All workspaces as the API writes them, newest first.
    pub(crate) async fn workspaces_json(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        self.all("/v1/admin/workspaces").await
    }

    /// All workspaces, newest first.
    pub(crate) async fn workspaces(&self) -> Result<Vec<Workspace>, Failure> {
        self.all("/v1/admin/workspaces").await
    }

    /// Makes a workspace.
    pub(crate) async fn create_workspace(&self, name: &str, plan: &str) -> Result<CreatedWorkspace, Failure> {
        let request = self.request(Method::POST, "/v1/admin/workspaces");
        self.read(request.json(&json!({ "name": name, "plan": plan })))
            .await
    }

    /// Puts a workspace on a plan.
    pub(crate) async fn set_plan(&self, id: &str, plan: &str) -> Result<Workspace, Failure> {
        let request = self.request(Method::PATCH, &format!("/v1/admin/workspaces/{id}"));
        self.read(request.json(&json!({ "plan": plan }))).await
    }

    /// Switches a workspace off for a reason, or on.
    pub(crate) async fn switch(&self, id: &str, off: Option<&str>) -> Result<Workspace, Failure> {
        let (verb, body) = match off {
            Some(reason) => ("deactivate", json!({ "reason": reason })),
            None => ("activate", json!({})),
        };
        let request = self.request(Method::POST, &format!("/v1/admin/workspaces/{id}/{verb}"));
        self.read(request.json(&body)).await
    }

    /// The keys of the workspace as the API writes them, ended ones too, newest first.
    pub(crate) async fn keys_json(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        self.all("/v1/api-keys").await
    }

    /// The keys of the workspace, ended ones too, newest first.
    pub(crate) async fn keys(&self) -> Result<Vec<Key>, Failure> {
        self.all("/v1/api-keys").await
    }

    /// Makes a key of the own workspace, or of another.
    pub(crate) async fn create_key(&self, workspace: Option<&str>, body: &Value) -> Result<NewKey, Failure> {
        let path = workspace.map_or_else(
            || "/v1/api-keys".to_owned(),
            |id| format!("/v1/admin/workspaces/{id}/api-keys"),
        );
        self.read(self.request(Method::POST, &path).json(body)).await
    }

    /// Ends a key.
    pub(crate) async fn revoke_key(&self, id: &str) -> Result<(), Failure> {
        let request = self.request(Method::DELETE, &format!("/v1/api-keys/{id}"));
        self.send(request).await.map(drop)
    }

    /// Makes a key in the place of another, which stays valid for so many seconds.
    pub(crate) async fn rotate_key(&self, id: &str, overlap: u32) -> Result<NewKey, Failure> {
        let request = self.request(Method::POST, &format!("/v1/api-keys/{id}/rotate"));
        self.read(request.json(&json!({ "overlapSeconds": overlap })))
            .await
    }

    /// All pages of a list.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let (mut rows, mut rest) = (Vec::new(), String::new());
        loop {
            let request = self.request(Method::GET, &format!("{path}?limit=200{rest}"));
            let page: Page = self.read(request).await?;
            for row in page.data {
                let row = serde_json::from_str(row.get());
                rows.push(row.map_err(|_unreadable| self.not_postern(200))?);
            }
            let Some(cursor) = page.next_cursor else {
                return Ok(rows);
            };
            rest = format!("&cursor={}", encoded(&cursor));
        }
    }
}
