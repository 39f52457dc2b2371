//! From what stands on the command line to the endpoint it names.

use postern_domain::WebhookId;

use super::read;
use crate::client::Client;
use crate::client::webhooks::Webhook;
use crate::print::printable;

/// The endpoint with this id, or the only one with this URL or description.
///
/// # Errors
/// There is none, there are several, or the daemon cannot be asked.
pub(super) async fn webhook(client: &Client, named: &str) -> anyhow::Result<Webhook> {
    if named.parse::<WebhookId>().is_ok() {
        return read(&client.webhook_json(named).await?);
    }
    only_one(all(client).await?, named)
}

/// All endpoints, newest first.
pub(super) async fn all(client: &Client) -> anyhow::Result<Vec<Webhook>> {
    let all = client.webhooks_json().await?;
    all.iter().map(|webhook| read(webhook)).collect()
}

/// An endpoint by its description and its id, e.g. `orders (whk_…)`.
pub(super) fn called(webhook: &Webhook) -> String {
    let name = match webhook.description.as_str() {
        "" => &webhook.url,
        description => description,
    };
    format!("{} ({})", printable(name), printable(&webhook.id))
}

fn only_one(webhooks: Vec<Webhook>, named: &str) -> anyhow::Result<Webhook> {
    let mut so_called: Vec<_> = webhooks
        .into_iter()
        .filter(|webhook| webhook.url == named || webhook.description == named)
        .collect();
    let ids: Vec<_> = so_called.iter().map(|webhook| webhook.id.as_str()).collect();
    anyhow::ensure!(
        so_called.len() < 2,
        "{} endpoints have the URL or description \"{named}\"; name one by its id: {}",
        so_called.len(),
        ids.join(", ")
    );
    so_called.pop().ok_or_else(|| {
        anyhow::anyhow!(
            "no endpoint has the URL or description \"{named}\"; `postern webhooks list` shows those that exist"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(id: &str, url: &str, description: &str) -> Webhook {
        let json = serde_json::json!({
            "id": id, "url": url, "description": description, "eventTypes": ["*"], "deviceIds": null,
            "headerNames": [], "ordered": false, "rateCap": null, "disabled": null, "verifiedAt": null,
            "previousSecretUntil": null, "createdAt": "2026-12-01T12:00:00.000Z",
            "health": { "failingSince": null, "failures": 0, "restingUntil": null, "lastSuccessAt": null,
                        "lastFailureAt": null, "waiting": 0, "parked": 0 },
        });
        serde_json::from_value(json).expect("an endpoint")
    }

    #[test]
    fn a_url_or_a_description_names_an_endpoint_when_no_other_has_it() {
        let webhooks = [
            webhook("whk_1", "https://a.example", "orders"),
            webhook("whk_2", "https://b.example", "orders"),
        ];
        let found = only_one(webhooks.to_vec(), "https://b.example").expect("found");
        assert_eq!(
            (found.id.as_str(), called(&found)),
            ("whk_2", "orders (whk_2)".to_owned())
        );
        let several = only_one(webhooks.to_vec(), "orders")
            .expect_err("two")
            .to_string();
        assert!(several.contains("whk_1, whk_2"), "{several}");
        let none = only_one(webhooks.to_vec(), "").expect_err("none").to_string();
        assert!(none.contains("postern webhooks list"), "{none}");
    }
}
