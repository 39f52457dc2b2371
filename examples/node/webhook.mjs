#!/usr/bin/env node
// Receive Postern's events by webhook. Node 18.3 or newer; `npm ci` beside this file once.
//
//   node examples/node/webhook.mjs                            1. without a secret it only answers the challenge
//   postern webhooks add http://127.0.0.1:3000/postern        2. registers it and prints its secret
//   WEBHOOK_SECRET=whsec_… node examples/node/webhook.mjs     3. with the secret it takes events
//
// HOST and PORT say where it listens, 127.0.0.1 and 3000 unless told; port 0 takes a free one.

import { createServer } from 'node:http';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

const { WEBHOOK_SECRET, HOST = '127.0.0.1', PORT = '3000' } = process.env;
const webhook = WEBHOOK_SECRET ? new Webhook(WEBHOOK_SECRET) : undefined;
const mostBytes = 1024 * 1024;
const mostRemembered = 100_000;

// Ids that were seen, oldest first. In memory for the example: keep yours in the database, beside what the event did.
const seen = new Set();

function isNew(id) {
  if (seen.has(id)) return false;
  seen.add(id);
  if (seen.size > mostRemembered) seen.delete(seen.values().next().value);
  return true;
}

// The bytes exactly as they came: the signature is over them, not over what a JSON parser makes of them.
async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

// What to answer, and the event to work on, if there is one.
function judge(headers, body) {
  if (!webhook) {
    const event = parse(body);
    // Nobody has told us the secret yet. Echoing a token is harmless; everything else has to come again later.
    return event?.type === 'webhook.challenge' ? echo(event) : { status: 503, text: 'no secret yet' };
  }
  let event;
  try {
    event = webhook.verify(body, headers); // also refuses a timestamp more than 5 minutes off
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    return { status: 401, text: error.message };
  }
  if (event.type === 'webhook.challenge') return echo(event);
  const id = headers['webhook-id'];
  return { status: 204, event: isNew(id) ? { id, ...event } : undefined };
}

const echo = (event) => ({ status: 200, text: JSON.stringify({ token: event.data.token }), json: true });

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// What you want to happen. Events of one device are in order by `seq`; a later one may arrive first.
function work({ id, type, data }) {
  console.log([type, id, data.deviceId ?? '-', data.seq ?? '-'].join(' '));
}

const server = createServer(async (request, response) => {
  try {
    const body = request.method === 'POST' ? await bodyOf(request) : undefined;
    if (body === undefined) return void response.writeHead(request.method === 'POST' ? 413 : 405).end();
    const { status, text, json, event } = judge(request.headers, body);
    response.writeHead(status, text ? { 'content-type': json ? 'application/json' : 'text/plain' } : {}).end(text);
    // Answered first, worked on afterwards: an answer that takes longer than 10 seconds is a failure. What must not be
    // lost when this process dies is written down before the answer.
    if (event) setImmediate(work, event);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});

server.listen(Number(PORT), HOST, () => {
  console.error(`listening on http://${HOST}:${server.address().port}${webhook ? '' : ', for the challenge only'}`);
});
