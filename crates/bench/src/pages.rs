//! Whole lists of the API, page after page.

use anyhow::Context as _;
use postern_testkit::Http;
use serde_json::Value;

/// Every row of the list at `path`, newest first; `filter` is more of the query, e.g. `direction=inbound`.
pub(crate) async fn all(http: &Http, path: &str, filter: &str) -> anyhow::Result<Vec<Value>> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = http
            .get(&format!("{path}?limit=200&{filter}{cursor}"))
            .await?
            .ok()?;
        let data = page["data"].as_array_mut().context("not a list")?;
        rows.append(data);
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(rows),
        }
    }
}
