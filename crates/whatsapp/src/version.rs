//! Which version of WhatsApp Web the clients claim to be.
//!
//! One lookup serves all devices: each client left alone would ask for itself, before its first
//! connection, and would not connect while the answer is missing. A failed lookup never keeps a device
//! from opening: the last answer serves, or the version this release knows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use whatsapp_rust::http::HttpClient;
use whatsapp_rust::version::fetch_latest_app_version;

use crate::config::{Version, VersionSource};

/// How long an answer serves.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a failure keeps the next one from asking, so that a thousand devices do not each wait for it.
const RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// The version all clients of this process claim to be.
pub(crate) struct ClientVersion {
    source: VersionSource,
    http: Arc<dyn HttpClient>,
    deadline: Duration,
    /// Held while asking: the others wait for the one answer.
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    version: Version,
    until: Instant,
}

impl ClientVersion {
    pub(crate) fn new(source: VersionSource, http: Arc<dyn HttpClient>, deadline: Duration) -> Self {
        Self {
            source,
            http,
            deadline,
            known: Mutex::new(None),
        }
    }

    /// The version to claim now. Never fails; takes up to the deadline when it has to be looked up.
    pub(crate) async fn current(&self) -> Version {
        self.at(Instant::now()).await
    }

    async fn at(&self, now: Instant) -> Version {
        let (cache_file, fallback) = match &self.source {
            VersionSource::Fixed(primary, secondary, tertiary) => return (*primary, *secondary, *tertiary),
            VersionSource::Lookup { cache_file, fallback } => (cache_file.as_deref(), *fallback),
        };
        let mut known = self.known.lock().await;
        if let Some(known) = *known
            && now < known.until
        {
            return known.version;
        }
        let (version, serves) = match self.look_up().await {
            Ok(version) => {
                keep(cache_file, version).await;
                (version, FRESH)
            }
            Err(failure) => {
                let earlier = match *known {
                    Some(known) => Some(known.version),
                    None => kept(cache_file).await,
                };
                let version = earlier.unwrap_or(fallback);
                tracing::warn!(
                    error = %failure,
                    version = %text(version),
                    "WhatsApp Web's version could not be looked up; claiming the last known one"
                );
                (version, RETRY_AFTER)
            }
        };
        *known = Some(Known {
            version,
            until: now + serves,
        });
        version
    }

    /// Asks again the next time: WhatsApp refused the version that is known.
    pub(crate) async fn distrust(&self) {
        if let Some(known) = self.known.lock().await.as_mut() {
            known.until = Instant::now();
        }
    }

    async fn look_up(&self) -> anyhow::Result<Version> {
        match timeout(self.deadline, fetch_latest_app_version(&self.http)).await {
            // The page can be read without finding a revision in it; that is no version to claim.
            Ok(Ok((_, _, 0))) => Err(anyhow::anyhow!("the answer names no revision")),
            Ok(answer) => answer,
            Err(_elapsed) => Err(anyhow::anyhow!("no answer within {:?}", self.deadline)),
        }
    }
}

async fn keep(file: Option<&Path>, version: Version) {
    if let Some(file) = file
        && let Err(failure) = tokio::fs::write(file, text(version)).await
    {
        tracing::warn!(
            error = %failure,
            file = %file.display(),
            "WhatsApp Web's version could not be written to its cache file"
        );
    }
}

async fn kept(file: Option<&Path>) -> Option<Version> {
    parse(&tokio::fs::read_to_string(file?).await.ok()?)
}

fn text((primary, secondary, tertiary): Version) -> String {
    format!("{primary}.{secondary}.{tertiary}")
}

fn parse(text: &str) -> Option<Version> {
    let mut parts = text.trim().split('.').map(str::parse);
    let version = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use whatsapp_rust::http::{HttpRequest, HttpResponse};

    use super::*;

    const FALLBACK: Version = (2, 3000, 7);

    /// Answers with a revision, or not at all when it is 0, and counts the questions.
    #[derive(Default)]
    struct Web {
        revision: AtomicU32,
        asked: AtomicU32,
    }

    #[async_trait]
    impl HttpClient for Web {
        async fn execute(&self, _request: HttpRequest) -> anyhow::Result<HttpResponse> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            match self.revision.load(Ordering::SeqCst) {
                0 => std::future::pending().await,
                revision => Ok(HttpResponse {
                    status_code: 200,
                    body: format!(r#"{{"client_revision":{revision}}}"#).into_bytes(),
                }),
            }
        }
    }

    fn lookup(web: &Arc<Web>, cache_file: Option<&Path>) -> ClientVersion {
        let source = VersionSource::Lookup {
            cache_file: cache_file.map(Path::to_owned),
            fallback: FALLBACK,
        };
        ClientVersion::new(
            source,
            Arc::clone(web) as Arc<dyn HttpClient>,
            Duration::from_millis(50),
        )
    }

    #[tokio::test]
    async fn a_fixed_version_asks_nobody() {
        let web = Arc::new(Web::default());
        let fixed = ClientVersion::new(
            VersionSource::Fixed(2, 3000, 1),
            Arc::clone(&web) as Arc<dyn HttpClient>,
            Duration::from_secs(8),
        );
        assert_eq!(fixed.current().await, (2, 3000, 1));
        assert_eq!(web.asked.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn the_answer_serves_a_day_or_until_it_is_distrusted() {
        let web = Arc::new(Web::default());
        web.revision.store(11, Ordering::SeqCst);
        let version = lookup(&web, None);
        let start = Instant::now();
        assert_eq!(version.at(start).await, (2, 3000, 11));
        web.revision.store(12, Ordering::SeqCst);
        assert_eq!(version.at(start + FRESH / 2).await, (2, 3000, 11));
        assert_eq!(version.at(start + FRESH).await, (2, 3000, 12));
        web.revision.store(13, Ordering::SeqCst);
        version.distrust().await;
        assert_eq!(version.current().await, (2, 3000, 13));
        assert_eq!(web.asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn no_answer_means_the_fallback_and_is_not_waited_for_twice() {
        let web = Arc::new(Web::default());
        let version = lookup(&web, None);
        let start = Instant::now();
        assert_eq!(version.at(start).await, FALLBACK);
        assert_eq!(version.at(start + RETRY_AFTER / 2).await, FALLBACK);
        assert_eq!(web.asked.load(Ordering::SeqCst), 1);
        web.revision.store(21, Ordering::SeqCst);
        assert_eq!(version.at(start + RETRY_AFTER).await, (2, 3000, 21));
        // A later failure keeps the answer before it.
        web.revision.store(0, Ordering::SeqCst);
        version.distrust().await;
        assert_eq!(version.current().await, (2, 3000, 21));
    }

    #[tokio::test]
    async fn the_answer_outlives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("version");
        let web = Arc::new(Web::default());
        web.revision.store(31, Ordering::SeqCst);
        assert_eq!(lookup(&web, Some(&file)).current().await, (2, 3000, 31));

        let silent = Arc::new(Web::default());
        let source = VersionSource::Lookup {
            cache_file: Some(file),
            fallback: FALLBACK,
        };
        let restarted = ClientVersion::new(source, silent, Duration::from_millis(10));
        assert_eq!(restarted.current().await, (2, 3000, 31));
    }

    #[test]
    fn damaged_cache_files_say_nothing() {
        for damaged in ["", "2.3000", "2.3000.x", "2.3000.1.1"] {
            assert_eq!(parse(damaged), None, "{damaged}");
        }
        assert_eq!(parse("2.3000.5\n"), Some((2, 3000, 5)));
    }
}
