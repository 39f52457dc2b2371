"""What the document of the API cannot say in JSON Schema, and what a run must not destroy while it stands on it."""

import os
import re
from datetime import datetime, timedelta, timezone

import jsonschema_rs
import schemathesis
from hypothesis import strategies as st

DEVICE = os.environ["POSTERN_LINKED_DEVICE"]
SINK = os.environ["POSTERN_WEBHOOK_SINK"]
# The workspace, the key and the device of the run: only to be read.
OWN = set(os.environ["POSTERN_OWN_IDS"].split())
NOW = datetime.now(timezone.utc).replace(microsecond=0)


def later(seconds):
    return (NOW + timedelta(hours=1, seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_device(value):
    return isinstance(value, str) and re.fullmatch(r"dev_[0-7][0-9A-HJKMNP-TV-Z]{25}", value) is not None


def earlier(days):
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%d")


phones = st.from_regex(r"\A\+?(1555[2-9][0-9]{6}|49151[0-9]{8})\Z")
groups = st.from_regex(r"\A120363[0-9]{12}@g\.us\Z")
hosts = st.integers(0, 2**32 - 1).map(lambda number: ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0)))

for name, strategy in {
    "phone-number": phones,
    "recipient": phones | groups | phones.map(lambda phone: phone.lstrip("+") + "@s.whatsapp.net"),
    "date-time": st.integers(0, 300 * 86400).map(later),
    "date": st.integers(0, 20).map(earlier),
    "time-zone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    "ip-network": hosts | hosts.map(lambda host: host + "/32"),
    "words": st.lists(st.from_regex(r"\A[a-zé0-9]{1,10}\Z"), min_size=1, max_size=10).map(" ".join),
    "plan": st.sampled_from(["unlimited", "growth", "pro"]),
    "webhook-url": st.sampled_from([SINK, SINK + "/a", SINK + "/b?c=d"]),
}.items():
    schemathesis.openapi.format(name, strategy)


def examples_of(schema):
    return schema.get("examples", []) + ([schema["example"]] if "example" in schema else [])


def examples(document):
    """Where each example of the document stands, its schema, and the example."""
    for name, schema in document["components"]["schemas"].items():
        for example in examples_of(schema):
            yield name, schema, example
        for field, inner in schema.get("properties", {}).items():
            for example in examples_of(inner):
                yield f"{name}.{field}", inner, example
    operations = (operation for item in document["paths"].values() for operation in item.values())
    for operation in operations:
        name = operation["operationId"]
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
        for status, answer in operation["responses"].items():
            for content in answer.get("content", {}).values():
                for code, example in content.get("examples", {}).items():
                    example = document["components"]["examples"][code] if "$ref" in example else example
                    yield f"{name} {status} {code}", content["schema"], example["value"]


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Every example is one of what it stands at."""
    for where, schema, example in examples(raw_schema):
        whole = {**schema, "components": raw_schema["components"]}
        for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(example):
            raise AssertionError(f"the example of {where} is none: {error.message}")


@schemathesis.hook
def map_body(context, body):
    """Has every other message sent by the device that is connected, and every endpoint want only devices that are there."""
    if isinstance(body, dict):
        if is_device(body.get("deviceId")) and len(str(body)) % 2:
            body["deviceId"] = DEVICE
        devices = body.get("deviceIds")
        if isinstance(devices, list) and devices and all(is_device(one) for one in devices):
            body["deviceIds"] = [DEVICE]
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.method.upper() != "GET" and (case.path_parameters or {}).get("id") in OWN:
        case.path_parameters["id"] = "not_to_be_touched"
    query = case.query or {}
    if isinstance(query.get("wait"), int) and 0 < query["wait"] <= 60:
        query["wait"] = 0
    # Only the list that handed a cursor out takes it; another is what is wrong on purpose.
    if case.meta and case.meta.generation.mode.is_positive:
        query.pop("cursor", None)
        if case.operation.path == "/v1/events/stream":
            # What happened already: a stream with nothing to say would be listened to for ever.
            case.query = {"from": "2020-01-01T00:00:00Z"}
            (case.headers or {}).pop("Last-Event-ID", None)
