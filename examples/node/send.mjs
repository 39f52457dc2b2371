#!/usr/bin/env node
// Send one text message through Postern, retrying without fear of a duplicate. Node 18.3 or newer, no packages.
//
//   POSTERN_API_KEY=sk_live_… DEVICE_ID=dev_… TO=+15551234567 node examples/node/send.mjs --wait "Your parcel has arrived"
//
// POSTERN_URL defaults to http://127.0.0.1:8480. --key KEY sets the Idempotency-Key; use your order's id.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const url = (process.env.POSTERN_URL ?? 'http://127.0.0.1:8480').replace(/\/+$/, '');
const attempts = 8;
const patience = 120; // seconds; when the API asks for a longer pause, give up and say so

const usage = 'usage: POSTERN_API_KEY=… DEVICE_ID=… TO=… node send.mjs [--wait] [--key KEY] TEXT';
const fail = (message, code = 1) => {
  console.error(message);
  process.exit(code);
};

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { wait: { type: 'boolean' }, key: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (mistake) {
    return fail(`${mistake.message}\n${usage}`, 2);
  }
}

// An error in the API's words: its code, its message, and each field that is not acceptable.
function explain(status, text) {
  try {
    const { code, message, details = [] } = JSON.parse(text).error;
    return [`${code}: ${message}`, ...details.map((detail) => `  ${detail.field}: ${detail.message}`)].join('\n');
  } catch {
    return `HTTP ${status}: ${text}`; // not from Postern, perhaps from a proxy before it
  }
}

// One API call. Repeats what may be repeated: lost connections, 429 and 5xx.
async function call(method, path, body, headers = {}) {
  for (let attempt = 1; ; attempt++) {
    let pause = Math.min(30, 0.5 * 2 ** attempt) * (0.5 + Math.random() / 2);
    let problem;
    try {
      const response = await fetch(url + path, {
        method,
        headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json', ...headers },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      if (response.ok) return await response.json();
      problem = explain(response.status, await response.text());
      if (response.status !== 429 && response.status < 500) fail(problem);
      pause = Math.max(pause, Number(response.headers.get('retry-after')) || 0);
    } catch (failure) {
      // Also an answer that broke off half-way: the message may exist, and only the same key finds out.
      problem = `no answer from ${url}: ${failure.cause?.message ?? failure.message}`;
    }
    if (attempt === attempts || pause > patience) fail(problem);
    await sleep(pause * 1000);
  }
}

const { values, positionals } = options();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const { POSTERN_API_KEY: apiKey, DEVICE_ID: deviceId, TO: to } = process.env;
if (positionals.length !== 1 || !apiKey || !deviceId || !to) fail(usage, 2);

const message = await call(
  'POST',
  '/v1/messages',
  { deviceId, to, type: 'text', text: { body: positionals[0] } },
  // The same key on every attempt: however often the request is repeated, there is one message.
  { 'Idempotency-Key': values.key ?? randomUUID() },
);
let { status } = message;
console.log(message.id, status);

while (values.wait && !['delivered', 'read', 'played'].includes(status)) {
  await sleep(500);
  const current = await call('GET', `/v1/messages/${message.id}`);
  if (current.status !== status) {
    status = current.status;
    console.log(message.id, status);
  }
  if (status === 'canceled') fail('canceled: it was withdrawn before it was sent');
  if (status === 'failed') fail(`${current.error.code}: ${current.error.message}`);
}
