// The raw events of a turn, and what was read from them, side by side.

import { element, time } from './dom.js';

/** Reads the events of a turn as they happen: calls `onEvent` with each, and is done when all have come. */
export function follow(name, onEvent) {
  const source = new EventSource(`local/turns/${name}`);
  return new Promise(done => {
    source.addEventListener('message', ({ data }) => onEvent(JSON.parse(data)));
    // After an error there is nothing to come back to: a turn is told once.
    for (const end of ['over', 'error']) {
      source.addEventListener(end, () => {
        source.close();
        done();
      });
    }
  });
}

/** A table that takes events. Its rows are made once somebody looks. */
export function eventTable() {
  const body = element('tbody');
  const head = ['Time', 'Raw', 'Read as'].map(text => element('th', { scope: 'col', textContent: text }));
  const table = element('table', {}, element('thead', {}, element('tr', {}, ...head)), body);
  const summary = element('summary', { textContent: 'Raw events, and what was read from them' });
  const scroll = element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Raw events' }, table);
  const details = element('details', { className: 'events' }, summary, scroll);
  const waiting = [];
  let messages = 0;
  const flush = () => body.append(...waiting.splice(0).map(row));
  details.addEventListener('toggle', () => details.open && flush());
  return {
    details,
    add(event) {
      messages += event.kind === 'message' ? 1 : 0;
      const count = messages === 1 ? '1 message' : `${messages} messages`;
      summary.textContent = `Raw events, and what was read from them (${count})`;
      waiting.push(event);
      if (details.open) flush();
    },
  };
}

function row(event) {
  const raw = element('td', {}, element('span', { className: 'direction', textContent: direction(event) }));
  const text = event.raw ?? event.why;
  if (text) raw.append(element('pre', { textContent: text }));
  const read = element('td', {}, ...(event.read ?? []).map(reading));
  if (event.kind === 'message' && event.read.length === 0) {
    read.append(tag('waits', 'waits for more: it is not whole yet'));
  }
  return element('tr', { className: event.kind }, element('td', { textContent: time(event.at) }), raw, read);
}

function direction({ kind, binary, code, retryInMs, why }) {
  switch (kind) {
    case 'connected': return 'connected';
    case 'open': return 'WebSocket open';
    case 'sent': return '→ to the agent';
    case 'message': return binary ? '← from the agent, binary' : '← from the agent';
    case 'closed': return code ? `← close, ${code}` : '← close';
    case 'more': return 'more came than is kept';
    case 'failed': return retryInMs === null ? 'failed' : `failed, again in ${time(retryInMs)}`;
    default: return why ? 'ended by a failure' : 'over';
  }
}

const tag = (kind, text) => element('span', { className: `tag ${kind}`, textContent: text });

/** One frame: its dialect, then whether its words were told, repeat others, or mean nothing. */
function reading({ dialect, unread, said, told, event, source }) {
  const about = element('div', { className: 'reading' });
  if (event) about.append(tag('name', `event: ${event}`));
  if (dialect) about.append(tag('dialect', dialect));
  else if (source && !unread) about.append(tag('dialect', 'text as it stands'));
  if (unread) about.append(tag('unread', 'unread: no dialect knows it'));
  const words = kind => told.filter(step => step.kind === kind).map(step => step.words).join('');
  for (const { kind, words: spoken } of said) {
    if (kind !== 'text' && kind !== 'reasoning') {
      about.append(tag(kind === 'error' ? 'error' : 'step', kind), element('span', { textContent: spoken }));
    } else if (words(kind) === '') {
      about.append(tag('repeat', `${kind}: repeats what was told`), element('s', { textContent: spoken }));
    }
  }
  for (const kind of ['text', 'reasoning']) {
    if (words(kind)) about.append(tag('told', kind), element('span', { textContent: words(kind) }));
  }
  if (!unread && said.length === 0 && told.length === 0) about.append(tag('quiet', 'says nothing'));
  if (told.some(step => step.kind === 'end') && said.length === 0) about.append(tag('step', 'end'));
  return about;
}
