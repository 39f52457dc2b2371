#!/usr/bin/env bash
# From nothing to a message that was read, with curl: create a device, pair it, send, follow.
#
#   POSTERN_API_KEY=sk_live_… TO=+15551234567 examples/walkthrough.sh
#
# Against a daemon with a sandbox, let the sandbox's phone scan:
#
#   POSTERN_API_KEY=sk_live_… SANDBOX_URL=http://127.0.0.1:8490 examples/walkthrough.sh
set -euo pipefail

url=${POSTERN_URL:-http://127.0.0.1:8480}
key=${POSTERN_API_KEY:?set POSTERN_API_KEY to the key that the daemon printed at its first start}
to=${TO:-+15551234567}
phone=${PHONE:-+4915112345678}

# call METHOD PATH [JSON]: prints the answer; an error is shown as the API words it.
call() {
    local answer status
    answer=$(curl -sS -X "$1" "$url$2" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
        "${@:4}" ${3:+--data "$3"} -w '\n%{http_code}')
    status=${answer##*$'\n'} answer=${answer%$'\n'*}
    if [ "$status" -ge 400 ]; then
        echo "$1 $2 answered $status: $answer" >&2
        return 1
    fi
    printf '%s\n' "$answer"
}

# field NAME: the value of a top-level field of the JSON on standard input.
field() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]) or "")' "$1"; }

echo "1. create a device"
device=$(call POST /v1/devices '{"name":"walkthrough"}' | field id)
echo "   $device"

echo "2. ask for pairing and show the QR code"
call POST "/v1/devices/$device/pair" '{}' >/dev/null
call GET "/v1/devices/$device/qr.txt?wait=30"

if [ -n "${SANDBOX_URL:-}" ]; then
    echo "3. the sandbox's phone $phone scans it"
    code=$(call GET "/v1/devices/$device/qr.json" | field code)
    curl -sS --fail-with-body "$SANDBOX_URL/sandbox/v1/phones/$phone/scan" \
        -H 'Content-Type: application/json' --data "{\"qr\":\"$code\"}" >/dev/null
else
    echo "3. scan it: WhatsApp > Linked devices > Link a device"
fi
until [ "$(call GET "/v1/devices/$device" | field state)" = connected ]; do sleep 1; done
echo "   connected"

echo "4. send to $to; repeating this request with its key would send nothing twice"
message=$(call POST /v1/messages \
    "{\"deviceId\":\"$device\",\"to\":\"$to\",\"type\":\"text\",\"text\":{\"body\":\"Hello from the walk-through\"}}" \
    -H "Idempotency-Key: walkthrough-$device" | field id)
echo "   $message"

echo "5. follow it"
seen=
until [ "$seen" = read ] || { [ "$seen" = delivered ] && [ -z "${SANDBOX_URL:-}" ]; }; do
    status=$(call GET "/v1/messages/$message" | field status)
    [ "$status" = "$seen" ] || echo "   $status"
    [ "$status" != failed ] || exit 1
    seen=$status
    [ "$seen" = read ] || sleep 0.3
done
