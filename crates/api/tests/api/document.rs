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
            let example = &answer["content"]["application/json"]["examples"][code.name()]["value"];
            assert_eq!(example["error"]["code"], code.name(), "{name}");
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
