#!/usr/bin/env python3
"""Send one text message through Postern, retrying without fear of a duplicate.

Python 3.9 or newer, standard library only. Settings come from the environment:
  POSTERN_URL      default http://127.0.0.1:8480
  POSTERN_API_KEY  the key that the daemon printed at its first start
  DEVICE_ID        the device that sends, dev_…
  TO               the recipient, e.g. +15551234567

  python3 examples/python/send.py --wait "Your parcel has arrived"
"""

import argparse
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("POSTERN_URL", "http://127.0.0.1:8480").rstrip("/")
ATTEMPTS = 8
PATIENCE = 120  # seconds; when the API asks for a longer pause, give up and say so


def explain(status, text):
    """An error in the API's words: its code, its message, and each field that is not acceptable."""
    try:
        error = json.loads(text)["error"]
        lines = [f"{error['code']}: {error['message']}"]
        lines += [f"  {detail['field']}: {detail['message']}" for detail in error.get("details", [])]
        return "\n".join(lines)
    except (ValueError, KeyError, TypeError):  # not from Postern, perhaps from a proxy before it
        return f"HTTP {status}: {text}"


def call(method, path, body=None, headers=None):
    """One API call. Repeats what may be repeated: lost connections, 429 and 5xx."""
    request = urllib.request.Request(
        URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['POSTERN_API_KEY']}",
            "Content-Type": "application/json",
            **(headers or {}),
        },
    )
    for attempt in range(1, ATTEMPTS + 1):
        pause = min(30, 0.5 * 2**attempt) * random.uniform(0.5, 1)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as answer:
            problem = explain(answer.code, answer.read().decode(errors="replace"))
            if answer.code != 429 and answer.code < 500:
                sys.exit(problem)
            retry_after = answer.headers.get("Retry-After", "")
            if retry_after.isdecimal():
                pause = max(pause, int(retry_after))
        # Also an answer that broke off half-way: the message may exist, and only the same key finds out.
        except (OSError, http.client.HTTPException) as failure:
            problem = f"no answer from {URL}: {failure}"
        if attempt == ATTEMPTS or pause > PATIENCE:
            sys.exit(problem)
        time.sleep(pause)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="what to send")
    parser.add_argument("--wait", action="store_true", help="wait until it was delivered")
    parser.add_argument("--key", default=str(uuid.uuid4()), help="the Idempotency-Key; use your order's id")
    options = parser.parse_args()
    missing = [name for name in ("POSTERN_API_KEY", "DEVICE_ID", "TO") if not os.environ.get(name)]
    if missing:
        parser.error(f"set {', '.join(missing)} in the environment")

    message = call(
        "POST",
        "/v1/messages",
        {
            "deviceId": os.environ["DEVICE_ID"],
            "to": os.environ["TO"],
            "type": "text",
            "text": {"body": options.text},
        },
        # The same key on every attempt: however often the request is repeated, there is one message.
        {"Idempotency-Key": options.key},
    )
    status = message["status"]
    print(message["id"], status, flush=True)

    while options.wait and status not in ("delivered", "read", "played"):
        time.sleep(0.5)
        current = call("GET", f"/v1/messages/{message['id']}")
        if current["status"] != status:
            status = current["status"]
            print(message["id"], status, flush=True)
        if status == "canceled":
            sys.exit("canceled: it was withdrawn before it was sent")
        if status == "failed":
            sys.exit(f"{current['error']['code']}: {current['error']['message']}")


if __name__ == "__main__":
    main()
