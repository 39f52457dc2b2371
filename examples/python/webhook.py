#!/usr/bin/env python3
"""Receive Postern's events by webhook. Python 3.9 or newer; `pip install -r requirements.txt` beside this file once.

  python3 examples/python/webhook.py                            1. without a secret it only answers the challenge
  postern webhooks add http://127.0.0.1:3000/postern            2. registers it and prints its secret
  WEBHOOK_SECRET=whsec_… python3 examples/python/webhook.py     3. with the secret it takes events

HOST and PORT say where it listens, 127.0.0.1 and 3000 unless told; port 0 takes a free one.
"""

import collections
import http.server
import json
import os
import queue
import sys
import threading

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = os.environ.get("WEBHOOK_SECRET")
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "3000"))
MOST_BYTES = 1024 * 1024
MOST_REMEMBERED = 100_000

webhook = Webhook(SECRET) if SECRET else None
# In memory for the example: keep yours in the database. What must not be lost when this process dies is written down
# before the answer.
waiting = queue.Queue()


class Seen:
    """The ids that came already; the oldest are forgotten."""

    def __init__(self):
        self.ids = collections.OrderedDict()
        self.lock = threading.Lock()

    def is_new(self, event_id):
        with self.lock:
            if event_id in self.ids:
                return False
            self.ids[event_id] = None
            if len(self.ids) > MOST_REMEMBERED:
                self.ids.popitem(last=False)
            return True


seen = Seen()


def judge(headers, body):
    """Status and text of the answer, and the event to work on, if there is one."""
    if webhook is None:
        event = parse(body)
        if isinstance(event, dict) and event.get("type") == "webhook.challenge":
            return *echo(event), None
        # Nobody has told us the secret yet: everything but a challenge has to come again later.
        return 503, "no secret yet", None
    try:
        # The bytes exactly as they came: the signature is over them. Also refuses a timestamp more than 5 minutes off.
        event = webhook.verify(body, headers)
    except (WebhookVerificationError, ValueError) as error:
        return 401, str(error), None
    if event["type"] == "webhook.challenge":
        return *echo(event), None
    event_id = headers["webhook-id"]
    return 204, "", {"id": event_id, **event} if seen.is_new(event_id) else None


def echo(event):
    return 200, json.dumps({"token": event["data"]["token"]})


def parse(body):
    try:
        return json.loads(body)
    except ValueError:
        return None


def work():
    """What you want to happen. Events of one device are in order by `seq`; a later one may arrive first."""
    while True:
        event = waiting.get()
        data = event["data"]
        print(event["type"], event["id"], data.get("deviceId") or "-", data.get("seq") or "-", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= MOST_BYTES:
            self.close_connection = True
            return self.answer(413, "")
        status, text, event = judge({k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
        self.answer(status, text)
        # Answered first, worked on afterwards: an answer that takes longer than 10 seconds is a failure.
        if event:
            waiting.put(event)

    def answer(self, status, text):
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", "application/json" if status == 200 else "text/plain")
            self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        if status != 204:
            self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    threading.Thread(target=work, daemon=True).start()
    server = http.server.ThreadingHTTPServer((HOST, PORT), Handler)
    hint = "" if webhook else ", for the challenge only"
    print(f"listening on http://{HOST}:{server.server_port}{hint}", file=sys.stderr, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
