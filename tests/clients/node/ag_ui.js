/** AG-UI's clients, and a judge of every event that they are sent. */

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { HttpAgent } from '@ag-ui/client';
import { HttpAgent as HttpAgent0 } from '@ag-ui/client-0-0-59';
import { EventSchemas } from '@ag-ui/core/schemas';

/** The newest client, and the one that CopilotKit pins. */
export const CLIENTS = { '1.0.0': HttpAgent, '0.0.59': HttpAgent0 };

/** The schema of each type of event, by its fields. */
const FIELDS = new Map(
  EventSchemas.options.map(({ shape }) => [shape.type.def.values[0], Object.keys(shape)]),
);

/** Where the events are kept that clients were sent, for the judge in Python. */
const SEEN = process.env.AG_UI_EVENTS;

/** An event is one of the protocol's, with its fields alone. */
export function judge(event) {
  if (SEEN) appendFileSync(SEEN, `${JSON.stringify(event)}\n`);
  EventSchemas.parse(event);
  // The schemas let further fields pass, which the client takes away with a warning.
  const fields = FIELDS.get(event.type);
  for (const [name, value] of Object.entries(event)) {
    assert.ok(fields.includes(name), `${event.type} has no ${name}`);
    assert.notEqual(value, null, `${event.type} has a null in ${name}`);
  }
}

/** The events of an answer. */
export function eventsOf(body) {
  assert.ok(!body.includes('\r'), 'lines end in LF alone');
  assert.ok(body.endsWith('\n\n'), 'the last event is whole');
  const events = [];
  for (const block of body.slice(0, -2).split('\n\n')) {
    if (block.startsWith(': ')) continue;
    assert.match(block, /^data: [^\n]+$/, 'an event is one line of data');
    events.push(JSON.parse(block.slice(6)));
  }
  return events;
}

/** A client of one agent; `events` are those of its last answer, as they came over the wire. */
export class Client {
  constructor(HttpAgent, url, { fetch = globalThis.fetch, ...more } = {}) {
    this.agent = new HttpAgent({
      url,
      ...more,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (!answer.ok) return answer;
        assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
        const [seen, judged] = answer.body.tee();
        this.judged = this.#judge(judged);
        return new Response(seen, answer);
      },
    });
  }

  async #judge(stream) {
    this.events = eventsOf(await new Response(stream).text());
    this.events.forEach(judge);
  }

  /** Says something; gives the messages that are new, and how the run ended. */
  async ask(content, input = {}) {
    this.agent.addMessage({ id: crypto.randomUUID(), role: 'user', content });
    return this.run(input);
  }

  async run(input = {}) {
    const told = {};
    const { result, newMessages } = await this.agent.runAgent(input, {
      onRunErrorEvent: ({ event }) => void (told.error = event),
      onRunFinishedEvent: ({ event }) => void (told.finished = event),
    });
    await this.judged;
    return { result, messages: newMessages, ...told };
  }
}

/** What was said, in the order in which it was. */
export function textOf(messages) {
  return messages
    .filter(message => message.role === 'assistant')
    .map(message => message.content ?? '')
    .join('');
}

export function typesOf(events) {
  return events.map(event => event.type);
}
