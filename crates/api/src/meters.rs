//! What is counted of requests: their number and durations, by route and by what came of them.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use postern_metrics::Histogram;

use crate::routes::{ROUTES, Route};

/// The classes of a status, as their first digits tell; what is none of them counts as the last.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The requests since the process began.
#[derive(Debug)]
pub struct RequestMeters {
    /// One for each route, in the order of the table, and one for everything else.
    routes: Box<[[Histogram; CLASSES.len()]]>,
}

/// The requests of one route that ended in one way.
#[derive(Debug)]
pub struct Requests<'a> {
    /// The method; `OTHER` where the route is `other`.
    pub method: &'a str,
    /// The route as OpenAPI writes it, or `other`: a page, or no route at all.
    pub route: &'a str,
    /// `2xx`, and so on.
    pub status: &'static str,
    /// How long they took.
    pub durations: &'a Histogram,
}

impl Default for RequestMeters {
    fn default() -> Self {
        let routes = ROUTES.iter().map(Some).chain([None]);
        Self {
            routes: routes
                .map(|_route| std::array::from_fn(|_class| Histogram::of_work()))
                .collect(),
        }
    }
}

impl RequestMeters {
    /// Takes note of a request; `place` is that of its path in the table.
    pub(crate) fn note(&self, place: Option<usize>, method: &Method, status: StatusCode, took: Duration) {
        let place = place.and_then(|place| with_method(place, method));
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        if let Some(route) = self.routes.get(place.unwrap_or(ROUTES.len())) {
            route[class].took(took);
        }
    }

    /// Everything that was counted.
    pub fn all(&self) -> impl Iterator<Item = Requests<'_>> {
        let routes = ROUTES.iter().map(Some).chain([None]);
        routes.zip(&self.routes).flat_map(|(route, classes)| {
            CLASSES
                .iter()
                .zip(classes)
                .map(move |(status, durations)| Requests {
                    method: route.map_or("OTHER", |route| route.method.as_str()),
                    route: route.map_or("other", |route| route.path),
                    status,
                    durations,
                })
        })
    }
}

/// The route with this method among those that have the path of the one at `place`, which is the first of them.
fn with_method(place: usize, method: &Method) -> Option<usize> {
    let path = ROUTES.get(place)?.path;
    let fits = |route: &Route| {
        route.path == path
            && (route.method == *method || (route.method == Method::GET && *method == Method::HEAD))
    };
    let found = ROUTES[place..].iter().position(fits)?;
    Some(place + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_at_its_route_and_what_has_none_beside_them() {
        let meters = RequestMeters::default();
        let place = crate::routes::place_of("/v1/messages");
        for (place, method, status) in [
            (place, Method::POST, 202),
            (place, Method::HEAD, 200),
            (place, Method::DELETE, 405),
            (None, Method::GET, 404),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            meters.note(place, &method, status, Duration::ZERO);
        }
        let counted: Vec<_> = meters
            .all()
            .map(|of| (of.method, of.route, of.status, of.durations.read().count()))
            .filter(|(.., count)| *count > 0)
            .collect();
        assert_eq!(
            counted,
            [
                ("POST", "/v1/messages", "2xx", 1),
                ("GET", "/v1/messages", "2xx", 1),
                ("OTHER", "other", "4xx", 2),
            ]
        );
    }
}
