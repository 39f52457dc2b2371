//! The simulated network beside the daemon, as the dashboard plays its phones and contacts.

use async_trait::async_trait;
use serde_json::Value;

/// How the sandbox is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxMethod {
    /// Look.
    Get,
    /// Do.
    Post,
    /// Change.
    Put,
    /// Clear.
    Delete,
}

/// The sandbox did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// It refused, and says why.
    #[error("{0}")]
    Refused(String),
    /// It did not answer.
    #[error("the sandbox does not answer: {0}")]
    Gone(String),
}

/// The sandbox's control API, called by the daemon: the browser reaches nothing but the dashboard.
#[async_trait]
pub trait SandboxControl: Send + Sync + 'static {
    /// Calls it; `path` begins behind `/sandbox/v1`. Answers what it answered, `null` when that is nothing.
    ///
    /// # Errors
    /// See [`SandboxError`].
    async fn call(
        &self,
        method: SandboxMethod,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, SandboxError>;
}
