// One turn on the page: the prompt, the reply with its steps, the timing, and what lies behind them.

import { AgentError } from './agents-client.js';
import { advice, again, phaseInWords } from './advice.js';
import { copyButton, element, time } from './dom.js';
import { eventTable, follow } from './events.js';

const newName = () => `turn-${[...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('')}`;

/** Runs a turn in `place`. Gives what became of it: `complete`, `stopped` or `failed`. */
export async function runTurn({ place, conversation, prompt, signal, mode, onSession, onRetry, info }) {
  const name = newName();
  const events = eventTable();
  const reply = element('div', { className: 'reply' });
  const state = element('p', { className: 'state', textContent: 'Waiting for the agent …' });
  const turn = element('article', { className: 'turn', 'aria-busy': 'true', 'aria-label': `Turn: ${prompt.slice(0, 60)}` },
    element('p', { className: 'prompt', textContent: prompt }), reply, state, events.details);
  place.append(turn);
  const timing = new Timing(performance.now());
  let cause;
  const followed = follow(name, event => {
    events.add(event);
    timing.take(event);
    if (event.kind === 'failed') {
      cause = event.why;
      if (event.retryInMs !== null) state.textContent = `${event.why}. Again in ${time(event.retryInMs)} …`;
    }
    if (event.kind === 'over') cause = event.why ?? cause;
  });
  const sessionSent = conversation.sessionId;
  const writer = new Writer(reply);
  const onResponse = response => timing.header(response.headers.get('server-timing'));
  let outcome = 'complete';
  try {
    for await (const event of conversation.send(prompt, { signal, onResponse, headers: { 'x-local-turn': name } })) {
      if (event.type === 'session') onSession(event.sessionId);
      else if (event.type === 'complete') {
        timing.total = event.metadata.duration;
        state.textContent = completion(event);
      } else {
        timing.first ??= performance.now() - timing.began;
        state.textContent = 'The agent is replying …';
        writer.write(event);
      }
    }
  } catch (error) {
    timing.total = performance.now() - timing.began;
    await told(followed);
    if (signal.aborted) {
      outcome = 'stopped';
      state.textContent = 'Stopped. The connection to the agent is closed.';
    } else {
      outcome = 'failed';
      state.remove();
      const known = error instanceof AgentError ? error : new AgentError('PageError', String(error));
      events.details.before(await failure(known, { mode, onRetry, info, agentId: conversation.agentId, cause: () => cause }));
    }
  }
  await told(followed);
  turn.setAttribute('aria-busy', 'false');
  events.details.before(timing.bar());
  events.details.after(curl(conversation, prompt, sessionSent, (await conversation.headers()).authorization));
  return outcome;
}

/** The events come on a way of their own, a moment later. */
const told = followed => Promise.race([followed, new Promise(resolve => setTimeout(resolve, 1_000))]);

/** Writes a reply: text, and steps between it. */
class Writer {
  constructor(place) {
    this.place = place;
    this.calls = new Map();
  }

  write(event) {
    if (event.type === 'text') return this.words('p', 'text', event.text, this.place);
    if (event.type === 'reasoning') return this.reasoning(event.text);
    if (event.type === 'tool-call') return this.call(event);
    return this.result(event);
  }

  /** Text goes on in the block that is open, if it is of its kind. */
  words(tag, kind, text, place) {
    if (this.open !== kind) {
      this.open = kind;
      this.block = element(tag, { className: kind });
      place.append(this.block);
    }
    this.block.append(text);
  }

  step(kind, summary) {
    const details = element('details', { className: `step ${kind}` }, element('summary', { textContent: summary }));
    this.place.append(details);
    return details;
  }

  reasoning(text) {
    const place = this.open === 'thoughts' ? this.place : this.step('reasoning', 'Thinking');
    this.words('p', 'thoughts', text, place);
  }

  call({ id, name, input }) {
    this.open = undefined;
    const details = this.step('tool', `Tool: ${name}`);
    details.append(labelled('Input', input));
    this.calls.set(id, details);
  }

  result({ id, output, failed }) {
    this.open = undefined;
    const details = this.calls.get(id) ?? this.step('tool', 'Tool');
    details.append(labelled(failed ? 'Failed' : 'Output', output));
    details.classList.toggle('failed', failed);
    if (failed) details.firstChild.append(' (failed)');
  }
}

const labelled = (label, value) => element('div', {}, element('strong', { textContent: label }),
  element('pre', { textContent: typeof value === 'string' ? value : JSON.stringify(value, null, 2) }));

function completion({ metadata, incomplete }) {
  const chunks = metadata.chunks === 1 ? '1 chunk' : `${metadata.chunks} chunks`;
  if (incomplete) return `Incomplete: a part of the reply is missing (${chunks}).`;
  return metadata.chunks === 0 ? 'The reply is empty: the raw events below show why.' : `Complete (${chunks}).`;
}

async function failure(error, { mode, onRetry, info, agentId, cause }) {
  const facts = element('dl');
  const fact = (name, value) => value && facts.append(element('dt', { textContent: name }), element('dd', { textContent: value }));
  const problem = mode === 'own' ? (await info())?.agents?.[agentId]?.problem : undefined;
  fact('What', error.status && error.status !== 200 ? `${error.code}, ${error.status}` : error.code);
  fact('When', phaseInWords(error.phase));
  fact('Why', problem ?? cause());
  fact('Again?', again(error));
  fact('What to do', advice(error, mode));
  fact('Request', error.requestId);
  const retry = element('button', { type: 'button', textContent: 'Send it again' });
  retry.addEventListener('click', onRetry);
  return element('div', { className: 'failure', role: 'alert' },
    element('p', { className: 'message', textContent: error.message }), facts, retry);
}

/** How long the parts of a turn took, by the answer's `Server-Timing` and the turn's events. */
class Timing {
  constructor(began) {
    this.began = began;
  }

  header(text) {
    for (const [, name, ms] of (text ?? '').matchAll(/(\w+);dur=([\d.]+)/g)) this[name] ??= Number(ms);
  }

  take({ kind, at }) {
    if (kind === 'connected') this.connectedAt = at;
    if (kind === 'open') this.handshake = at - this.connectedAt;
  }

  /** The parts in the order in which they came. They add up to the whole. */
  parts() {
    const { sign = 0, connect = 0, handshake = 0, total } = this;
    const open = sign + connect;
    const first = Math.min(this.first ?? open, total);
    const connecting = Math.max(connect - handshake, 0);
    return [
      ['sign', sign, sign],
      ['connect', connecting, connecting],
      ['handshake', handshake, handshake],
      ['first', Math.max(first - open, 0), this.first],
      ['total', Math.max(total - first, 0), total],
    ];
  }

  bar() {
    const parts = this.parts().filter(([, , shown]) => shown !== undefined);
    const words = parts.map(([name, , shown]) => `${name} ${time(shown)}`).join(', ');
    const bar = element('div', { className: 'bar', role: 'img', 'aria-label': `Timing: ${words}` });
    const legend = element('p', { className: 'legend', 'aria-hidden': 'true' });
    for (const [name, length, shown] of parts) {
      const piece = element('span', { className: `part ${name}`, title: `${name}: ${time(shown)}` });
      piece.style.flexGrow = length;
      bar.append(piece);
      legend.append(element('span', { className: `key ${name}`, textContent: `${name} ${time(shown)}` }));
    }
    return element('div', { className: 'timing' }, bar, legend);
  }
}

/** The same request for a shell. */
function curl({ agentId }, prompt, sessionId, token) {
  const url = new URL('api/agents/invoke/stream', document.baseURI);
  const quoted = text => `'${text.replaceAll("'", `'\\''`)}'`;
  // A line that is copied goes to places where no token should be.
  const leave = token ? '-H "authorization: Bearer $TOKEN" ' : '';
  const line = `curl -sN ${leave}${quoted(url.href)} -d ${quoted(JSON.stringify({ agentId, prompt, sessionId }))}`;
  return element('details', { className: 'curl' }, element('summary', { textContent: 'The same with curl' }),
    element('div', { className: 'row' }, element('code', { textContent: line }), copyButton('the curl line', line)));
}
