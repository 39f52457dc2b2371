//! What the route table and the table of error codes know, added to what stands at the handlers.

use std::collections::BTreeMap;

use utoipa::Modify;
use utoipa::openapi::path::Operation;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required};

use super::{JSON, answers};
use crate::errors::ErrorCode;
use crate::routes::{Access, Body, ROUTES, Route};
use crate::{events, texts};

/// The name of the one way to authenticate.
const SCHEME: &str = "apiKey";

pub(super) struct FromTheTables;

impl Modify for FromTheTables {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(
            "An API key: `sk_live_` (`sk_test_` from a gateway that talks to a sandbox) and 48 hexadecimal digits.".to_owned(),
        );
        components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
        components.schemas.extend(texts::all());
        for code in ErrorCode::ALL {
            let answer = RefOr::T(answers::error(&[*code]));
            components.responses.insert(code.name().to_owned(), answer);
        }
        for route in ROUTES {
            if let Some(operation) = operation(document, route) {
                complete(operation, route);
            }
        }
    }
}

fn operation<'a>(document: &'a mut OpenApi, route: &Route) -> Option<&'a mut Operation> {
    let item = document.paths.paths.get_mut(route.path)?;
    match route.method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// The key an operation needs, the body it may leave out, and what it answers.
fn complete(operation: &mut Operation, route: &Route) {
    if let Access::Key(scope) = route.access {
        let key = SecurityRequirement::new(SCHEME, [scope.name()]);
        operation.security = Some(vec![key]);
        let text = operation.description.get_or_insert_default();
        let gap = if text.is_empty() { "" } else { "\n\n" };
        *text += &format!("{gap}Needs an API key with the scope `{scope}`.");
    }
    if route.body == Body::OptionalJson {
        let documented = operation.request_body.take();
        operation.request_body = Some(optional(documented.unwrap_or_else(empty)));
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        without_null(&mut parameter.schema);
    }
    add_errors(operation, route);
    for (status, answer) in &mut operation.responses.responses {
        if let RefOr::T(answer) = answer {
            answers::add_headers(answer, route.access);
            if status == "200" {
                events::add_examples(route.path, answer);
            }
        }
    }
}

fn add_errors(operation: &mut Operation, route: &Route) {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in route.all_errors() {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let answer: RefOr<Response> = RefOr::T(answers::error(&codes));
        operation.responses.responses.insert(status.to_string(), answer);
    }
}

/// A body that is nothing, or an object without fields.
fn empty() -> RequestBody {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Empty")));
    RequestBodyBuilder::new().content(JSON, content.build()).build()
}

/// What may be left out is not therefore `null`.
fn optional(mut body: RequestBody) -> RequestBody {
    body.required = Some(Required::False);
    for content in body.content.values_mut() {
        without_null(&mut content.schema);
    }
    body
}

fn without_null(schema: &mut Option<RefOr<Schema>>) {
    if let Some(RefOr::T(Schema::OneOf(either))) = schema {
        either.items.retain(|item| !is_null(item));
        *schema = either.items.pop();
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
