#!/usr/bin/env python3
"""Send one text message through Postern, retrying without fear of a duplicate.

Standard library only. Settings come from the environment:
  POSTERN_URL      default http://127.0.0.1:8480
  POSTERN_API_KEY  the key that the daemon printed at its first start
  DEVICE_ID        the device that sends, dev_…
  TO               the recipient, e.g. +15551234567

  python3 examples/python/send.py --wait "Your parcel has arrived"
"""

import argparse
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
            text = answer.read().decode(errors="replace")
            if answer.code != 429 and answer.code < 500 or attempt == ATTEMPTS:
                sys.exit(f"{method} {path} answered {answer.code}: {text}")
            pause = float(answer.headers.get("Retry-After") or pause)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as failure:
            if attempt == ATTEMPTS:
                sys.exit(f"no answer from {URL}: {failure}")
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
    print(message["id"], message["status"])

    status = message["status"]
    while options.wait and status not in ("delivered", "read", "played"):
        time.sleep(0.2)
        current = call("GET", f"/v1/messages/{message['id']}")
        if current["status"] != status:
            status = current["status"]
            print(message["id"], status)
        if status in ("failed", "canceled"):
            sys.exit(f"not sent: {current['error']}")


if __name__ == "__main__":
    main()
