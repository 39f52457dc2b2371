#!/usr/bin/env node
// Send one text message through Postern, retrying without fear of a duplicate. Node 18 or newer, no packages.
//
//   POSTERN_API_KEY=sk_live_… DEVICE_ID=dev_… TO=+15551234567 node examples/node/send.mjs --wait "Your parcel has arrived"
//
// POSTERN_URL defaults to http://127.0.0.1:8480. --key KEY sets the Idempotency-Key; use your order's id.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const url = (process.env.POSTERN_URL ?? 'http://127.0.0.1:8480').replace(/\/$/, '');
const attempts = 8;

const usage = 'usage: POSTERN_API_KEY=… DEVICE_ID=… TO=… node send.mjs [--wait] [--key KEY] TEXT';
const fail = (message) => {
  console.error(message);
  process.exit(1);
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { wait: { type: 'boolean' }, key: { type: 'string', default: randomUUID() }, help: { type: 'boolean' } },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const { POSTERN_API_KEY: apiKey, DEVICE_ID: deviceId, TO: to } = process.env;
if (positionals.length !== 1 || !apiKey || !deviceId || !to) fail(usage);

// One API call. Repeats what may be repeated: lost connections, 429 and 5xx.
async function call(method, path, body, headers = {}) {
  for (let attempt = 1; ; attempt++) {
    let pause = Math.min(30, 0.5 * 2 ** attempt) * (0.5 + Math.random() / 2);
    try {
      const response = await fetch(url + path, {
        method,
        headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json', ...headers },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      if (response.ok) return await response.json();
      const again = response.status === 429 || response.status >= 500;
      if (!again || attempt === attempts) fail(`${method} ${path} answered ${response.status}: ${await response.text()}`);
      pause = Number(response.headers.get('retry-after')) || pause;
    } catch (failure) {
      if (attempt === attempts) fail(`no answer from ${url}: ${failure.message}`);
    }
    await sleep(pause * 1000);
  }
}

const message = await call(
  'POST',
  '/v1/messages',
  { deviceId, to, type: 'text', text: { body: positionals[0] } },
  // The same key on every attempt: however often the request is repeated, there is one message.
  { 'Idempotency-Key': values.key },
);
console.log(message.id, message.status);

let { status } = message;
while (values.wait && !['delivered', 'read', 'played'].includes(status)) {
  await sleep(200);
  const current = await call('GET', `/v1/messages/${message.id}`);
  if (current.status !== status) {
    status = current.status;
    console.log(message.id, status);
  }
  if (['failed', 'canceled'].includes(status)) fail(`not sent: ${JSON.stringify(current.error)}`);
}
