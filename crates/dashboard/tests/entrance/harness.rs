//! The dashboard over a store in a folder of its own, with a clock that the tests set, and people who come to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::test::{TestRequest, call_service, init_service};
use async_trait::async_trait;
use postern_dashboard::{Dashboard, DashboardConfig, DashboardParts, configure};
use postern_domain::webhook::{AttemptOutcome, TargetError, WebhookProbe, WebhookTarget};
use postern_domain::{Event, Timestamp};
use postern_runtime::{Clock, ManualClock, Stop, Wakes};
use postern_store::{Store, StoreOptions};
use tempfile::TempDir;

pub(crate) const NAME: &str = "ada";
pub(crate) const PASSWORD: &str = "a gate with two towers";
/// Where the owner is.
pub(crate) const HOME: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Webhook endpoints that nobody asks for here.
struct Unreachable;

#[async_trait]
impl WebhookProbe for Unreachable {
    fn check(&self, _url: &str) -> Result<(), TargetError> {
        Err(TargetError::Blocked)
    }

    async fn challenge(&self, _target: &WebhookTarget) -> AttemptOutcome {
        unreachable!("no endpoint is acceptable")
    }

    async fn deliver(&self, _target: &WebhookTarget, _event: &Event) -> AttemptOutcome {
        unreachable!("there is no endpoint")
    }
}

/// A dashboard without a server around it.
pub(crate) struct Entrance {
    dashboard: Arc<Dashboard>,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    /// What the browser shall keep: `name=value; attributes`.
    pub(crate) set_cookie: String,
    pub(crate) body: String,
}

impl Answer {
    /// What the browser sends from then on.
    pub(crate) fn cookie(&self) -> String {
        self.set_cookie.split(';').next().unwrap_or_default().to_owned()
    }
}

impl Entrance {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = StoreOptions::new(folder.path());
        let store = Store::open(&options).expect("a store");
        let clock = Arc::new(ManualClock::default());
        clock.set(Timestamp::from_millis(1_800_000_000_000));
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let parts = DashboardParts {
            store,
            wakes: Wakes::default(),
            clock: time,
            stop: Stop::new(),
            probe: Arc::new(Unreachable),
            access_changed: Arc::new(|| {}),
            sandbox: None,
        };
        let dashboard = Dashboard::new(parts, DashboardConfig::default());
        Self {
            dashboard: Arc::new(dashboard),
            clock,
            _folder: folder,
        }
    }

    /// The same with its owner; answers the cookie of the first session.
    pub(crate) async fn with_owner() -> (Self, String) {
        let entrance = Self::open();
        let token = entrance.token().await;
        let admitted = entrance.set_up(&token, NAME).await;
        assert_eq!(admitted.status, 303, "{admitted:?}");
        let cookie = admitted.cookie();
        (entrance, cookie)
    }

    /// The token of the link that makes the first owner.
    pub(crate) async fn token(&self) -> String {
        let path = self.dashboard.set_up_path().await.expect("the store answers");
        let path = path.expect("there is no operator yet");
        path.split_once("token=").expect("it has a token").1.to_owned()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now().after(time));
    }

    pub(crate) async fn set_up(&self, token: &str, name: &str) -> Answer {
        let fields = [("token", token), ("name", name), ("password", PASSWORD)];
        self.post(HOME, "/setup", "", &fields).await
    }

    pub(crate) async fn log_in(&self, from: Ipv4Addr, password: &str) -> Answer {
        self.post(from, "/login", "", &[("name", NAME), ("password", password)])
            .await
    }

    /// What the forms of a session carry.
    pub(crate) async fn csrf(&self, cookie: &str) -> String {
        let page = self.get("/account", cookie).await.body;
        let (_, after) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        after.split('"').next().unwrap_or_default().to_owned()
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.call(HOME, TestRequest::get().uri(path), cookie).await
    }

    /// Sends a form as a page of the dashboard would, but for the token against forgery.
    pub(crate) async fn post(
        &self,
        from: Ipv4Addr,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("origin", "http://gate.example"))
            .set_form(fields);
        self.call(from, request, cookie).await
    }

    /// The status of an answer that may have no end.
    pub(crate) async fn opens(&self, path: &str, cookie: &str) -> StatusCode {
        let request = TestRequest::get().uri(path);
        self.ask(HOME, request, cookie).await.status()
    }

    async fn ask(&self, from: Ipv4Addr, request: TestRequest, cookie: &str) -> ServiceResponse<BoxBody> {
        let service = init_service(App::new().configure(configure(Arc::clone(&self.dashboard)))).await;
        let request = request
            .insert_header(("host", "gate.example"))
            .insert_header(("cookie", cookie))
            .peer_addr(SocketAddr::new(IpAddr::V4(from), 40_000));
        call_service(&service, request.to_request())
            .await
            .map_into_boxed_body()
    }

    async fn call(&self, from: Ipv4Addr, request: TestRequest, cookie: &str) -> Answer {
        let answer = self.ask(from, request, cookie).await;
        let header = |name| {
            let value = answer.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let (status, location, set_cookie) = (answer.status(), header(LOCATION), header(SET_COOKIE));
        let body = to_bytes(answer.into_body()).await.expect("a body");
        Answer {
            status,
            location,
            set_cookie,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}
