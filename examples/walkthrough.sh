#!/usr/bin/env bash
# From nothing to a message that was read, with curl: create a device, pair it, send, follow.
#
#   POSTERN_API_KEY=sk_live_… TO=+15551234567 examples/walkthrough.sh
#
# Against a daemon with a sandbox, the sandbox's phone scans and nobody real is written to:
#
#   POSTERN_API_KEY=sk_live_… SANDBOX_URL=http://127.0.0.1:8490 examples/walkthrough.sh
set -euo pipefail

url=${POSTERN_URL:-http://127.0.0.1:8480}
key=${POSTERN_API_KEY:?set POSTERN_API_KEY to the key that the daemon printed at its first start}
sandbox=${SANDBOX_URL:-}
to=${TO:-${sandbox:++15551234567}}
: "${to:?set TO to the number that gets the message, e.g. +15551234567}"
phone=${PHONE:-+4915112345678}

fail() { echo "$*" >&2; exit 1; }

# call METHOD PATH [JSON [CURL OPTION…]]: prints the answer; an error is shown as the API words it.
call() {
    local answer status
    answer=$(curl -sS -X "$1" "$url$2" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
        "${@:4}" ${3:+--data "$3"} -w '\n%{http_code}') || return 1
    status=${answer##*$'\n'} answer=${answer%$'\n'*}
    [ "$status" -lt 400 ] || fail "$1 $2 answered $status: $answer"
    printf '%s\n' "$answer"
}

# field NAME: the value of a top-level field of the JSON on standard input.
field() { python3 -c 'import json, sys; print(json.loads(sys.stdin.read() or "{}").get(sys.argv[1]) or "")' "$1"; }

echo "1. create a device"
device=$(call POST /v1/devices '{"name":"walkthrough"}' | field id)
echo "   $device"

echo "2. ask for pairing and show the QR code"
call POST "/v1/devices/$device/pair" '{}' >/dev/null
shown=$(call GET "/v1/devices/$device/qr.txt?wait=30")
echo "$shown"

if [ -n "$sandbox" ]; then
    echo "3. the sandbox's phone $phone scans it"
    code=$(call GET "/v1/devices/$device/qr.json" | field code)
    answer=$(curl -sS --fail-with-body "$sandbox/sandbox/v1/phones/$phone/scan" \
        -H 'Content-Type: application/json' --data "{\"qr\":\"$code\"}") || fail "the sandbox did not scan: $answer"
else
    echo "3. scan it: WhatsApp > Linked devices > Link a device"
fi
while true; do
    answer=$(call GET "/v1/devices/$device")
    state=$(field state <<<"$answer") reason=$(field reason <<<"$answer")
    case "$state $reason" in
        connected\ *) break ;;
        unlinked\ new) ;; # pairing has only just begun
        unlinked\ pairing_failed) fail "not linked; an account that another device has is refused: choose another PHONE" ;;
        unlinked\ * | disconnected\ *) fail "not linked: the device is $state ($reason)" ;;
        pairing\ qr_shown) # a code lives for less than a minute: show the next one
            qr=$(call GET "/v1/devices/$device/qr.txt" 2>/dev/null) || qr=$shown # scanned just now
            [ "$qr" = "$shown" ] || echo "$qr"
            shown=$qr ;;
    esac
    sleep 1
done
echo "   connected"

echo "4. send to $to; repeating this request with its key would send nothing twice"
message=$(call POST /v1/messages \
    "{\"deviceId\":\"$device\",\"to\":\"$to\",\"type\":\"text\",\"text\":{\"body\":\"Hello from the walk-through\"}}" \
    -H "Idempotency-Key: walkthrough-$device" | field id)
echo "   $message"

echo "5. follow it"
seen=
while true; do
    answer=$(call GET "/v1/messages/$message")
    status=$(field status <<<"$answer")
    [ "$status" = "$seen" ] || echo "   $status"
    seen=$status
    case $status in
        read) break ;;
        delivered) [ -n "$sandbox" ] || break ;; # people read when they like
        canceled) fail "not sent: it was withdrawn" ;;
        failed) fail "not sent: $(field error <<<"$answer")" ;;
    esac
    sleep 0.3
done
