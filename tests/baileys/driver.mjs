// One Baileys client, its files untouched. What happens to it goes to standard output, one JSON object a line; commands come
// the same way on standard input, whose end ends the client:
//
//   {"command":"send","to":"+15551234567","text":"hello"}   answered by {"event":"sent","id":…,"text":…}
//   {"command":"code","phone":"+4915112345678"}             answered by {"event":"code","code":…}, while it is unlinked
//   {"command":"read","id":"3EB0…"}                         marks a received message as read
//   {"command":"logout"} · {"command":"quit"}
//
// usage: node driver.mjs --client baileys-7 --url ws://127.0.0.1:PORT/ws/chat --auth FOLDER [--root HEX]
//
// With a root, one function of the client's is replaced in memory, so that signatures count, and certificates have to
// come from that root. Without, the client is as it was published, and lets pass what is not signed at all.
//
// BAILEYS_LOG=debug (or trace, with every stanza) makes the client talk on standard error.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import pino from 'pino';

const { values: options } = parseArgs({
  options: Object.fromEntries(['client', 'url', 'auth', 'root'].map((name) => [name, { type: 'string' }])),
});

// The client's Signal library prints whole sessions.
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => {};

if (options.root) makeSignaturesCount();
const { default: makeSocket, useMultiFileAuthState, DisconnectReason, WA_CERT_DETAILS, proto } = await import(
  options.client
);
// Baileys 6 has no root; all it looks at is a serial number.
if (options.root) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(options.root, 'hex');

const { state, saveCreds } = await useMultiFileAuthState(options.auth);
const logger = pino({ level: process.env.BAILEYS_LOG ?? 'silent' }, pino.destination(2));
/** What was sent, in case a contact asks for it again. */
const sent = new Map();
/** The keys of what was received, by stanza id. */
const received = new Map();
let socket;
let saving = Promise.resolve();

const tell = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);

/**
 * Baileys verifies signatures with a function that answers false, waits for an exception that never comes, and does
 * not look at the answer. The same function takes signed prekeys unseen. Here it throws, in both cases.
 */
function makeSignaturesCount() {
  const curve = createRequire(import.meta.url)('libsignal/src/curve.js');
  const verify = curve.verifySignature;
  curve.verifySignature = (key, message, signature) => {
    if (!verify(key, message, signature)) throw new Error('a signature is not valid');
    return true;
  };
}

function connect() {
  // The version is the one that the package was published with: asking for a newer one would leave the machine.
  socket = makeSocket({
    auth: state,
    waWebSocketUrl: options.url,
    logger,
    getMessage: async ({ id }) => sent.get(id),
    // The phone has no history; waiting for it would hold back the first messages for 20 seconds.
    shouldSyncHistoryMessage: () => false,
  });
  socket.ev.on('creds.update', () => {
    saving = saving.then(saveCreds);
  });
  socket.ev.on('connection.update', onConnection);
  socket.ev.on('messages.upsert', ({ messages }) => messages.forEach(onMessage));
  socket.ev.on('messages.update', (updates) => {
    for (const { key, update } of updates) {
      if (update.status) tellStatus(key, update.status);
    }
  });
}

async function onConnection({ connection, qr, lastDisconnect }) {
  if (qr) tell('qr', { qr });
  if (connection === 'open') tell('open', { jid: socket.user.id, lid: socket.user.lid });
  if (connection !== 'close') return;
  await saving;
  const code = lastDisconnect?.error?.output?.statusCode;
  // Every program has to do this after linking.
  if (code === DisconnectReason.restartRequired) return connect();
  tell('close', { code, reason: lastDisconnect?.error?.message });
  process.exit();
}

const tellStatus = ({ id }, status) => tell('status', { id, status: proto.WebMessageInfo.Status[status] });

function onMessage({ key, message, status, messageStubType, messageStubParameters }) {
  const text = message?.conversation ?? message?.extendedTextMessage?.text;
  if (messageStubType) tell('undecryptable', { id: key.id, reason: messageStubParameters?.[0] });
  if (text === undefined) return;
  received.set(key.id, key);
  // Receipts that come while events are held back are folded into the message.
  if (key.fromMe && status) tellStatus(key, status);
  tell('message', { id: key.id, chat: key.remoteJid, fromMe: key.fromMe, text });
}

const commands = {
  async send({ to, text }) {
    const message = await socket.sendMessage(`${to.replace('+', '')}@s.whatsapp.net`, { text });
    sent.set(message.key.id, message.message);
    tell('sent', { id: message.key.id, text });
  },
  async code({ phone }) {
    tell('code', { code: await socket.requestPairingCode(phone.replace('+', '')) });
  },
  read: ({ id }) => socket.readMessages([received.get(id)]),
  logout: () => socket.logout(),
  quit: () => socket.end(),
};

connect();
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...details } = JSON.parse(line);
  try {
    await commands[command](details);
  } catch (error) {
    tell('error', { command, reason: error.message });
  }
}
await saving;
process.exit();
