//! The daemon's settings as the dashboard shows them: read only, and without secrets.

/// A setting as it counts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the configuration, e.g. `server.listen`.
    pub name: String,
    /// What it is set to.
    pub value: String,
    /// What it would be if nobody had set it, where that differs.
    pub default: Option<String>,
    /// What it means.
    pub meaning: String,
}
