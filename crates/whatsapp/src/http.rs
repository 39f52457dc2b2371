//! The client's HTTP, for the version lookup and for media: confined like the transport when it can be fooled.

use async_trait::async_trait;
use url::Url;
use wacore::stats::HttpResourceReport;
use whatsapp_rust::http::{HttpClient, HttpRequest, HttpResponse, UreqHttpClient};

use crate::guard::ChainTrust;

/// Passes requests on to the real client; a fooled one reaches loopback only, and speaks plain HTTP there.
#[derive(Debug, Clone)]
pub(crate) struct GuardedHttp {
    trust: ChainTrust,
    inner: UreqHttpClient,
}

impl GuardedHttp {
    pub(crate) fn new(trust: ChainTrust) -> Self {
        Self {
            trust,
            inner: UreqHttpClient::new(),
        }
    }

    fn admit(&self, mut request: HttpRequest) -> anyhow::Result<HttpRequest> {
        if self.trust == ChainTrust::Fooled {
            let url = Url::parse(&request.url)?;
            self.trust.admit_host(&url)?;
            // The client writes `https://` before the name of every media host; a sandbox has no TLS.
            if let Some(rest) = request.url.strip_prefix("https://") {
                request.url = format!("http://{rest}");
            }
        }
        Ok(request)
    }
}

#[async_trait]
impl HttpClient for GuardedHttp {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        self.inner.execute(self.admit(request)?).await
    }

    fn supports_streaming(&self) -> bool {
        self.inner.supports_streaming()
    }

    fn execute_streaming(&self, request: HttpRequest) -> anyhow::Result<wacore::net::StreamingHttpResponse> {
        self.inner.execute_streaming(self.admit(request)?)
    }

    fn supports_upload_streaming(&self) -> bool {
        self.inner.supports_upload_streaming()
    }

    fn execute_upload(
        &self,
        request: HttpRequest,
        body: wacore::net::UploadBody,
        content_length: u64,
    ) -> anyhow::Result<HttpResponse> {
        self.inner
            .execute_upload(self.admit(request)?, body, content_length)
    }

    fn resource_report(&self) -> Option<HttpResourceReport> {
        self.inner.resource_report()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fooled_client_speaks_plainly_to_this_machine_and_to_no_other() {
        let http = GuardedHttp::new(ChainTrust::Fooled);
        let admitted = |url: &str| http.admit(HttpRequest::get(url)).map(|request| request.url);
        assert_eq!(
            admitted("https://127.0.0.1:9/mms/image/x?auth=a").expect("admitted"),
            "http://127.0.0.1:9/mms/image/x?auth=a"
        );
        assert!(admitted("https://web.whatsapp.com/sw.js").is_err());
        assert!(admitted("http://192.0.2.1/").is_err());
        assert!(admitted("not a URL").is_err());
    }

    #[test]
    fn a_genuine_client_is_left_alone() {
        let request = HttpRequest::get("https://web.whatsapp.com/sw.js");
        let admitted = GuardedHttp::new(ChainTrust::Verified)
            .admit(request)
            .expect("admitted");
        assert_eq!(admitted.url, "https://web.whatsapp.com/sw.js");
    }
}
