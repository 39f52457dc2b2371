//! `/`: how everything is.

use actix_web::web;
use maud::html;

use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::guard::Person;
use crate::stream;
use crate::view::View;
use crate::view::icon::Icon;
use crate::view::layout::{Place, live_shell};
use crate::view::parts::{heading, live, way};

/// `GET /`
pub(crate) async fn show(dashboard: web::Data<Dashboard>, person: Person) -> Answer {
    let inner = View::Overview.live(&dashboard, &person).await?;
    let actions = way(&person, "/devices/new", Icon::Plus, "Link a device");
    let body = html! {
        (heading("Overview", html! {}, actions))
        (live("/stream", inner))
    };
    page(live_shell(&person, Place::Overview, "Overview", body))
}

/// `GET /stream`
pub(crate) async fn stream(dashboard: web::Data<Dashboard>, person: Person) -> Answer {
    stream::answer(dashboard, person, View::Overview)
}
