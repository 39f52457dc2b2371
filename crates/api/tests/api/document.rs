//! The OpenAPI document says what the route table says, and every reference in it leads somewhere.

use std::collections::BTreeSet;

use postern_api::{Access, ErrorCode, ROUTES, document};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::TestApi;

fn parsed() -> Value {
    serde_json::from_str(&document()).expect("JSON")
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            operations.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    operations
}

#[test]
fn every_route_is_documented_and_every_documented_route_exists() {
    let table: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method.to_string(), route.path.to_owned()))
        .collect();
    assert_eq!(table.len(), ROUTES.len(), "no route twice");
    let documented: BTreeSet<_> = operations(&parsed())
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(table, documented);
}

#[test]
fn every_operation_teaches() {
    let document = parsed();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(
            operation["summary"].as_str().is_some_and(|text| text.len() > 5),
            "{name}"
        );
        assert!(operation["tags"][0].is_string(), "{name}");
        assert!(ids.insert(operation["operationId"].to_string()), "{name}");
        let route = ROUTES
            .iter()
            .find(|route| route.method.as_str() == method && route.path == path)
            .expect("a route");
        assert_eq!(
            operation["security"].is_array(),
            matches!(route.access, Access::Key(_)),
            "{name}"
        );
        for code in route.all_errors() {
            let answer = &operation["responses"][code.status().as_str()];
            let description = answer["description"].as_str().expect("described");
            assert!(description.contains(code.name()), "{name} {}", code.name());
            let example = &answer["content"]["application/json"]["examples"][code.name()]["$ref"];
            let example = example.as_str().and_then(|pointer| pointer.strip_prefix('#'));
            let example = example
                .and_then(|pointer| document.pointer(pointer))
                .expect("an example");
            assert_eq!(example["value"]["error"]["code"], code.name(), "{name}");
            assert_eq!(
                answer["headers"]["Retry-After"].is_object(),
                route
                    .all_errors()
                    .any(|other| other.status() == code.status() && other.may_be_retried()),
                "{name}"
            );
        }
        for (status, answer) in operation["responses"].as_object().expect("responses") {
            assert!(answer["headers"]["X-Request-Id"].is_object(), "{name} {status}");
            assert_eq!(
                answer["headers"]["X-RateLimit-Remaining"].is_object(),
                matches!(route.access, Access::Key(_)),
                "{name} {status}"
            );
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name} {parameter}");
        }
    }
}

#[test]
fn every_code_and_field_is_described_and_no_reference_is_dangling() {
    let document = parsed();
    for code in ErrorCode::ALL {
        assert!(
            document["components"]["responses"][code.name()].is_object(),
            "{}",
            code.name()
        );
    }
    let names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(
        document["components"]["schemas"]["ErrorCode"]["enum"],
        json!(names)
    );
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let described = property.to_string().contains("\"description\"");
            assert!(described, "{name}.{field} {property}");
        }
    }
    for reference in document.to_string().split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("a pointer");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn the_page_on_reading_names_every_parameter_and_field() {
    let page = include_str!("../../../../docs/reading.md");
    let document = parsed();
    for path in ["/v1/messages", "/v1/analytics/summary"] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        for parameter in parameters.expect("parameters") {
            let name = parameter["name"].as_str().expect("a name");
            assert!(page.contains(&format!("`{name}`")), "{path}: {name}");
        }
    }
    let (_, numbers) = page.split_once("## Numbers").expect("a section");
    for schema in ["Figures", "ByStatus", "Latency", "Percentiles"] {
        let properties = document["components"]["schemas"][schema]["properties"].as_object();
        for name in properties.expect("properties").keys() {
            assert!(numbers.contains(&format!("\"{name}\":")), "{schema}: {name}");
        }
    }
}

#[tokio::test]
async fn it_is_served_as_it_is_written() {
    let api = TestApi::start().await;
    let answer = api.call_without_key(Method::GET, "/openapi.json").send().await;
    assert_eq!(answer.expect(StatusCode::OK), parsed());
    assert_eq!(answer.header("content-type"), "application/json");
}

#[test]
fn the_page_on_errors_explains_every_code_and_no_other() {
    let page = include_str!("../../../../docs/errors.md");
    let (_, table) = page.split_once("## Every code").expect("a section");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" "));
    let codes = ErrorCode::ALL.iter();
    let codes = codes.map(|code| format!("| `{}` {}", code.name(), code.status().as_u16()));
    assert_eq!(rows.collect::<BTreeSet<_>>(), codes.collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn the_explorer_and_the_pages_come_from_the_daemon_itself() {
    let api = TestApi::start().await;
    let page = api.call_without_key(Method::GET, "/docs").send().await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let text = String::from_utf8(page.body.to_vec()).expect("text");
    assert!(!text.contains("://"), "nothing is loaded from elsewhere");
    let files = text
        .split("\"/docs/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        let answer = api
            .call_without_key(Method::GET, &format!("/docs/{file}"))
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
    }
    let index = api.call_without_key(Method::GET, "/llms.txt").send().await;
    let index = String::from_utf8(index.body.to_vec()).expect("text");
    let full = api.call_without_key(Method::GET, "/llms-full.txt").send().await;
    let full = String::from_utf8(full.body.to_vec()).expect("text");
    let pages: Vec<_> = index
        .split("](/docs/")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(pages.len() > 10, "{index}");
    for name in pages {
        let page = api
            .call_without_key(Method::GET, &format!("/docs/{name}"))
            .send()
            .await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        let page = String::from_utf8(page.body.to_vec()).expect("text");
        assert!(full.contains(&page), "{name}");
    }
    let answer = api
        .call_without_key(Method::GET, "/docs/..%2F..%2FCargo.toml")
        .send()
        .await;
    let message = answer.expect_error(404, "NOT_FOUND");
    assert!(message.contains("no such page"), "{message}");
}
