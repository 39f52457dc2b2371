// Draws the API from its own description and sends what is tried out. Builds nodes, never markup from text.
'use strict';

const KEY = 'postern-api-key';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
let api;

// element('p.hint', {title: '…'}, 'text', child…)
function element(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return node;
}

function resolved(value) {
  let found = value;
  while (found?.$ref) {
    const keys = found.$ref.slice(2).split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    found = keys.reduce((node, key) => node?.[key], api);
  }
  return found;
}

// The little Markdown of descriptions: paragraphs, lists, `code`, *emphasis*.
function prose(text) {
  return (text ?? '').split(/\n\n+/).filter(Boolean).map((part) => {
    const lines = part.split('\n');
    if (lines.every((line) => line.startsWith('- '))) {
      return element('ul', {}, lines.map((line) => element('li', {}, inline(line.slice(2)))));
    }
    return element('p', {}, inline(part));
  });
}

function inline(text) {
  return text.split(/(`[^`]+`|\*[^*\s][^*]*\*)/).filter(Boolean).map((piece) => {
    if (/^`.+`$/s.test(piece)) return element('code', {}, piece.slice(1, -1));
    if (/^\*.+\*$/s.test(piece)) return element('em', {}, piece.slice(1, -1));
    return piece;
  });
}

// A schema with what it refers to put in its place; what contains itself is named.
function unfolded(schema, above = []) {
  if (Array.isArray(schema)) return schema.map((item) => unfolded(item, above));
  if (schema === null || typeof schema !== 'object') return schema;
  if (schema.$ref) {
    if (above.includes(schema.$ref)) return { $ref: schema.$ref };
    return unfolded(resolved(schema), [...above, schema.$ref]);
  }
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, unfolded(value, above)]));
}

function exampleOf(schema) {
  const known = resolved(schema);
  if (!known) return undefined;
  if (known.example !== undefined) return known.example;
  if (known.examples?.length) return known.examples[0];
  if (known.properties) {
    const fields = Object.entries(known.properties).map(([name, value]) => [name, exampleOf(value)]);
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  }
  return known.type === 'object' ? {} : undefined;
}

function folded(title, value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return element('details', {}, element('summary', {}, title), element('pre', { tabindex: '0' }, text));
}

function parameterField(parameter, id) {
  const schema = resolved(parameter.schema) ?? {};
  const choices = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : undefined);
  const attributes = { id, name: parameter.name, 'data-in': parameter.in, required: parameter.required };
  const example = parameter.example ?? schema.examples?.[0] ?? schema.default;
  const field = choices
    ? element('select', attributes, element('option', { value: '' }, '–'), choices.map((one) => element('option', { value: one }, one)))
    : element('input', { ...attributes, placeholder: example, autocomplete: 'off', spellcheck: 'false' });
  return element('div.field', {},
    element('label', { for: id }, element('code', {}, parameter.name), parameter.required ? ' (required)' : ''),
    element('div', {}, field, element('div.hint', {}, prose(parameter.description))));
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, reference]) => {
    const answer = resolved(reference);
    const contents = Object.entries(answer.content ?? {}).map(([kind, content]) => [
      content.schema ? folded(`${kind}: schema`, unfolded(content.schema)) : undefined,
      ...Object.entries(content.examples ?? {}).map(([name, example]) => folded(`Example: ${name}`, resolved(example).value)),
    ]);
    const headers = Object.keys(answer.headers ?? {});
    return element('details', {}, element('summary', {}, element('code', {}, status), ' ', inline(answer.description.split('\n')[0])),
      prose(answer.description.split('\n').slice(1).join('\n')), contents,
      headers.length ? element('p.hint', {}, 'Headers: ', headers.map((name) => [element('code', {}, name), ' ']).flat()) : undefined);
  });
}

function requestOf(form, method, path) {
  let target = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const field of form.querySelectorAll('[data-in]')) {
    const value = field.value.trim();
    if (field.dataset.in === 'path') target = target.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (value && field.dataset.in === 'query') query.set(field.name, value);
    else if (value && field.dataset.in === 'header') headers[field.name] = value;
  }
  const key = document.getElementById('key').value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  const accept = form.querySelector('[name=accept]')?.value;
  if (accept) headers.Accept = accept;
  const body = form.querySelector('textarea')?.value.trim() || undefined;
  if (body) headers['Content-Type'] = 'application/json';
  return { url: target + (query.size ? `?${query}` : ''), options: { method: method.toUpperCase(), headers, body } };
}

// The same as a command; the key stays out of it, because commands are passed on.
function asCurl({ url, options }) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const headers = Object.entries(options.headers).map(([name, value]) =>
    name === 'Authorization' ? '-H "Authorization: Bearer $POSTERN_API_KEY"' : `-H ${quoted(`${name}: ${value}`)}`);
  const body = options.body ? [`-d ${quoted(options.body)}`] : [];
  return ['curl', '-X', options.method, quoted(location.origin + url), ...headers, ...body].join(' ');
}

async function send(form, method, path, result) {
  const request = requestOf(form, method, path);
  const stop = new AbortController();
  const button = element('button', { type: 'button', onclick: () => stop.abort() }, 'Stop');
  result.replaceChildren(element('p', {}, 'Waiting… ', button), folded('As a command', asCurl(request)));
  try {
    const answer = await fetch(request.url, { ...request.options, signal: stop.signal });
    const status = element(answer.ok ? 'p' : 'p.bad', {}, element('strong', {}, `${answer.status} ${answer.statusText}`));
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    const shown = element('div', {});
    result.replaceChildren(status, shown, folded('Headers', headers), folded('As a command', asCurl(request)));
    await show(answer, shown, stop);
  } catch (error) {
    const why = stop.signal.aborted ? 'Stopped.' : `No answer: ${error.message}`;
    result.prepend(element('p.bad', {}, why));
  }
}

async function show(answer, shown, stop) {
  const kind = answer.headers.get('content-type') ?? '';
  if (kind.startsWith('image/')) {
    shown.append(element('img', { src: URL.createObjectURL(await answer.blob()), alt: 'What was answered' }));
    return;
  }
  const pre = element('pre', { tabindex: '0' });
  shown.append(pre);
  if (kind.startsWith('text/event-stream')) {
    shown.prepend(element('button', { type: 'button', onclick: () => stop.abort() }, 'Stop'));
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) pre.append(piece);
    return;
  }
  const text = await answer.text();
  try {
    pre.textContent = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    pre.textContent = text || '(nothing)';
  }
}

function operationNode(path, method, operation) {
  const id = operation.operationId;
  const details = element('details.operation', { id },
    element('summary', {}, element('span.method', {}, method.toUpperCase()), element('span.path', {}, path),
      element('span.quiet', {}, operation.summary)));
  // Filled when it is opened for the first time: there are many.
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(...opened(path, method, operation));
  });
  return details;
}

function opened(path, method, operation) {
  const parameters = (operation.parameters ?? []).map(resolved);
  const content = resolved(operation.requestBody)?.content?.['application/json'];
  const bodyId = `${operation.operationId}-body`;
  const kinds = Object.entries(operation.responses).filter(([status]) => status < '300')
    .flatMap(([, answer]) => Object.keys(resolved(answer).content ?? {}));
  const result = element('div', { 'aria-live': 'polite' });
  const form = element('form', { onsubmit: (event) => { event.preventDefault(); send(form, method, path, result); } },
    parameters.map((parameter, index) => parameterField(parameter, `${operation.operationId}-${index}`)),
    content ? [
      element('h3', {}, element('label', { for: bodyId }, 'Body')),
      element('textarea', { id: bodyId, spellcheck: 'false' }, JSON.stringify(exampleOf(content.schema), null, 2)),
      folded('Schema', unfolded(content.schema)),
    ] : [],
    kinds.length > 1 ? element('p', {}, element('label', {}, 'Answer as ',
      element('select', { name: 'accept' }, kinds.map((kind) => element('option', {}, kind))))) : undefined,
    element('p', {}, element('button', { type: 'submit' }, 'Send')));
  return [...prose(operation.description), form, result, element('h3', {}, 'Answers'), ...answers(operation)];
}

function draw() {
  const sections = new Map(api.tags.map((tag) => [tag.name, { tag, operations: [] }]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      sections.get(item[method].tags[0])?.operations.push([path, method, item[method]]);
    }
  }
  const main = document.getElementById('operations');
  main.replaceChildren(element('h1', {}, `${api.info.title} API`), ...prose(api.info.description));
  for (const { tag, operations } of sections.values()) {
    const nodes = operations.map(([path, method, operation]) => operationNode(path, method, operation));
    main.append(element('section', {}, element('h2', {}, tag.name), prose(tag.description), nodes));
    const links = operations.map(([, , operation]) => element('a', { href: `#${operation.operationId}` }, operation.summary));
    document.getElementById('menu').append(element('div', {}, element('h2', {}, tag.name), links));
  }
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  for (const item of Object.entries(api.paths).flatMap(([path, methods]) => Object.values(methods).map((one) => [path, one]))) {
    const [path, operation] = item;
    const fits = !wanted || `${path} ${JSON.stringify(operation)}`.toLowerCase().includes(wanted);
    document.getElementById(operation.operationId)?.toggleAttribute('hidden', !fits);
    document.querySelector(`nav a[href="#${operation.operationId}"]`)?.toggleAttribute('hidden', !fits);
  }
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector('summary').focus({ preventScroll: true });
  }
}

async function start() {
  const key = document.getElementById('key');
  key.value = sessionStorage.getItem(KEY) ?? '';
  key.addEventListener('input', () => sessionStorage.setItem(KEY, key.value));
  try {
    const answer = await fetch('/openapi.json');
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    api = await answer.json();
  } catch (error) {
    document.getElementById('state').textContent = `The description of the API cannot be loaded: ${error.message}`;
    return;
  }
  draw();
  document.getElementById('search').addEventListener('input', (event) => find(event.target.value));
  window.addEventListener('hashchange', openTarget);
  openTarget();
}

start();
