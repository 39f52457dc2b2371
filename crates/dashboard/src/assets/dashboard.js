// What the server cannot do: time passes here, the reader's zone is known here, and here is noticed when nothing comes.
'use strict';

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const today = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

function ago(seconds) {
  if (seconds < 10) return 'just now';
  if (seconds < 60) return relative.format(-Math.round(seconds), 'second');
  if (seconds < 3600) return relative.format(-Math.round(seconds / 60), 'minute');
  if (seconds < 86400) return relative.format(-Math.round(seconds / 3600), 'hour');
  return relative.format(-Math.round(seconds / 86400), 'day');
}

function until(seconds) {
  if (seconds <= 0) return 'a moment';
  const whole = Math.ceil(seconds);
  if (whole < 60) return whole + ' s';
  if (whole < 3600) return Math.floor(whole / 60) + ':' + String(whole % 60).padStart(2, '0') + ' min';
  if (whole < 86400) return Math.floor(whole / 3600) + ' h ' + Math.floor(whole % 3600 / 60) + ' min';
  return Math.round(whole / 86400) + ' days';
}

function clock(at, now) {
  return at.toDateString() === now.toDateString() ? today.format(at) : day.format(at);
}

function tick() {
  const now = new Date();
  for (const element of document.querySelectorAll('time[data-show]')) {
    const at = new Date(element.dateTime);
    const seconds = (at - now) / 1000;
    const text = { ago: () => ago(-seconds), until: () => until(seconds), clock: () => clock(at, now) }[element.dataset.show]();
    if (element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = full.format(at);
  }
}

// A screen reader hears what changed once, not the whole page again.
let said = new Map();
function announce() {
  const words = [];
  const now = new Map();
  document.querySelectorAll('[data-announce]').forEach((element, index) => {
    now.set(index, element.dataset.announce);
    if (said.has(index) && said.get(index) !== element.dataset.announce) words.push(element.dataset.announce);
  });
  said = now;
  const announcer = document.getElementById('announcer');
  if (announcer && words.length) announcer.textContent = words.join('. ');
}

function count(area) {
  let counter = area.parentElement.querySelector('.count');
  if (!counter) {
    counter = document.createElement('p');
    counter.className = 'hint count';
    area.after(counter);
  }
  const left = area.maxLength - Array.from(area.value).length;
  counter.textContent = left < 500 ? left + ' characters left' : '';
}

// A page whose session ended, or whose gateway is gone, must not look alive.
let failures = 0;
async function lost() {
  failures += 1;
  const notice = document.getElementById('offline');
  if (notice && failures > 1) notice.hidden = false;
  try {
    const answer = await fetch(location.href, { redirect: 'manual', method: 'HEAD' });
    if (answer.type === 'opaqueredirect') location.assign('/login?next=' + encodeURIComponent(location.pathname + location.search));
  } catch { /* not there; the stream tries again by itself */ }
}

function found() {
  failures = 0;
  const notice = document.getElementById('offline');
  if (notice) notice.hidden = true;
}

document.addEventListener('htmx:sseOpen', found);
document.addEventListener('htmx:sseError', lost);
document.addEventListener('htmx:sseMessage', (event) => {
  if (event.target.hasAttribute('data-gone')) location.reload();
  tick();
  announce();
});
document.addEventListener('htmx:afterSettle', tick);
document.addEventListener('input', (event) => {
  if (event.target.matches('textarea[data-count]')) count(event.target);
});
document.addEventListener('submit', (event) => {
  const button = event.target.querySelector('[data-once]');
  if (button?.hasAttribute('aria-busy')) event.preventDefault();
  button?.setAttribute('aria-busy', 'true');
});
document.addEventListener('DOMContentLoaded', () => {
  document.querySelectorAll('textarea[data-count]').forEach(count);
  announce();
});
// A moment is told in the reader's zone, and sent with how far that is off at the time.
function zones() {
  document.querySelectorAll('input[data-moment]').forEach((input) => {
    const zone = input.parentElement.querySelector('[data-zone]');
    if (zone) zone.textContent = 'your time';
  });
}
document.addEventListener('formdata', (event) => {
  event.target.querySelectorAll('input[data-moment]').forEach((input) => {
    if (input.value) event.formData.set(input.name + '-offset', new Date(input.value).getTimezoneOffset());
  });
});

function copies() {
  document.querySelectorAll('button[data-copy]').forEach((button) => {
    button.hidden = !navigator.clipboard;
    button.addEventListener('click', async () => {
      const field = document.getElementById(button.dataset.copy);
      await navigator.clipboard.writeText('value' in field ? field.value : field.textContent);
      button.querySelector('span').textContent = 'Copied';
    });
  });
}
document.addEventListener('DOMContentLoaded', () => {
  zones();
  copies();
});

// Coming back to a form that was sent: it can be sent again, and counts once.
addEventListener('pageshow', () => document.querySelectorAll('[aria-busy]').forEach((button) => button.removeAttribute('aria-busy')));
// What was done is told once: a reload does not tell it again.
if (new URLSearchParams(location.search).has('done')) {
  const address = new URL(location.href);
  address.searchParams.delete('done');
  history.replaceState(history.state, '', address);
}
tick();
setInterval(tick, 1000);
