/** AG-UI: the newest client, and the one that CopilotKit pins. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SECRET } from '../../node/agent.js';
import { AGENT_FAILED, AGENT_LOST } from '../../node/bridge.js';
import { UNUSUAL } from '../../node/chat.js';
import { CLIENTS, Client, eventsOf, judge, textOf, typesOf } from './ag_ui.js';
import { EXPOSED, WAYS, agent, lambda, local, streamingLambda } from './bridges.js';
import { ANSWERS, CALL, CALLS, FAILS, REASONING, RESULT, STEPS, TEXTS } from './steps.js';

const PATH = '/api/agents/echo/ag-ui';

const plain = await local();
const exposed = await local(EXPOSED);
const behind = await streamingLambda();
const short = await lambda({ MAX_RESPONSE_BYTES: '5' });
const ways = await Promise.all(WAYS.map(async ([way, start]) => [way, await start(EXPOSED)]));
const withToken = await Promise.all(WAYS.map(([, start]) => start({ ECHO_AGENT_AUTH: 'caller' })));
const limited = {};
for (const version of Object.keys(CLIENTS))
  limited[version] = await Promise.all(WAYS.map(([, start]) => start({ RATE_LIMIT_PER_MINUTE: '1' })));

const kinds = messages => messages.map(({ role }) => role);

for (const [version, HttpAgent] of Object.entries(CLIENTS)) {
  const client = (bridge = exposed, more = {}) =>
    new Client(HttpAgent, bridge.url + (more.path ?? PATH), { fetch: bridge.fetch, ...more });

  describe(`@ag-ui/client ${version}`, () => {
    for (const [index, [way, bridge]] of ways.entries()) {
      test(`text, ${way}`, async () => {
        const one = client(bridge, { threadId: 'thread-1' });
        const asked = one.ask(UNUSUAL[1]);
        const turn = await agent.turn();
        assert.equal(turn.prompt, UNUSUAL[1]);
        assert.equal(turn.sessionId, 'thread-1');
        turn.answer(...UNUSUAL);
        const { messages, finished, error } = await asked;
        assert.equal(error, undefined);
        assert.deepEqual(kinds(messages), ['assistant']);
        assert.equal(textOf(messages), UNUSUAL.join(''));
        assert.equal(finished.threadId, 'thread-1');
        assert.equal(finished.runId, one.events[0].runId);
        assert.deepEqual(typesOf(one.events), [
          'RUN_STARTED',
          'TEXT_MESSAGE_START',
          ...UNUSUAL.map(() => 'TEXT_MESSAGE_CONTENT'),
          'TEXT_MESSAGE_END',
          'RUN_FINISHED',
        ]);
        assert.equal(await turn.closed, 1000);
      });

      test(`reasoning and tools, ${way}`, async () => {
        const one = client(bridge);
        const asked = one.ask('Weather?');
        const turn = await agent.turn();
        turn.send(...STEPS);
        turn.close();
        const { messages, error } = await asked;
        assert.equal(error, undefined);
        assert.equal(textOf(messages), TEXTS.join(''));
        const reasoning = messages.filter(({ role }) => role === 'reasoning');
        assert.deepEqual(
          reasoning.map(({ content }) => content),
          [REASONING],
        );
        const calls = messages.flatMap(({ toolCalls }) => toolCalls ?? []);
        assert.equal(calls.length, 1);
        assert.equal(calls[0].id, CALL.id);
        assert.equal(calls[0].function.name, CALL.name);
        assert.deepEqual(JSON.parse(calls[0].function.arguments), CALL.input);
        const results = messages.filter(({ role }) => role === 'tool');
        assert.deepEqual(
          results.map(({ toolCallId }) => toolCallId),
          [CALL.id],
        );
        assert.ok(results[0].content.includes(RESULT));
        // What was said after the result is a message of its own.
        assert.equal(messages.at(-1).content, TEXTS[1]);
        const ids = messages.map(({ id }) => id);
        assert.equal(new Set(ids).size, ids.length);
      });

      for (const [status, code, { by = bridge, path, prepare = () => {} }] of [
        [400, 'ValidationError', { prepare: one => one.agent.setMessages([]) }],
        [401, 'AuthenticationError', { by: withToken[index] }],
        [403, 'AuthorizationError', { prepare: () => agent.refuse(403) }],
        [404, 'NotFoundError', { path: '/api/agents/nobody/ag-ui' }],
        [429, 'RateLimitError', { by: limited[version][index], prepare: useUp }],
        [503, 'ServiceUnavailableError', { prepare: () => agent.refuse(503) }],
      ]) {
        test(`an answer of ${status} is an error with that status, ${way}`, async t => {
          t.mock.method(console, 'error', () => {});
          const one = client(by, { path });
          one.agent.addMessage({ id: '1', role: 'user', content: 'Hi' });
          await prepare(one);
          await assert.rejects(one.run(), error => {
            assert.equal(error.status, status);
            assert.equal(error.payload.error, code);
            assert.equal(typeof error.payload.message, 'string');
            assert.equal(error.payload.details.retryable, status === 429 || status === 503);
            return true;
          });
        });
      }
    }

    test('a conversation keeps its session, and its messages apart', async () => {
      const one = client();
      for (const prompt of ['Weather?', 'And now?']) {
        const asked = one.ask(prompt);
        const turn = await agent.turn();
        assert.equal(turn.prompt, prompt);
        assert.equal(turn.sessionId, one.agent.threadId);
        turn.send(...STEPS.slice(0, CALLS.length - 8), ...ANSWERS);
        turn.close();
        const { messages } = await asked;
        assert.deepEqual(kinds(messages).at(-1), 'assistant');
        assert.equal(messages.at(-1).content, TEXTS[1]);
      }
      const ids = one.agent.messages.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
    });

    test('nothing of reasoning and tools where they are not exposed', async () => {
      const one = client(plain);
      const asked = one.ask('Weather?');
      const turn = await agent.turn();
      turn.send(...STEPS);
      turn.close();
      const { messages } = await asked;
      assert.equal(textOf(messages), TEXTS.join(''));
      assert.deepEqual(new Set(kinds(messages)), new Set(['assistant']));
      assert.ok(one.events.every(({ type }) => /^(RUN|TEXT_MESSAGE)_/.test(type)));
    });

    test("a tool's failure is its own", async () => {
      const one = client();
      const asked = one.ask('Weather?');
      const turn = await agent.turn();
      turn.send(...CALLS, FAILS, ...ANSWERS);
      turn.close();
      const { messages, error } = await asked;
      assert.equal(error, undefined);
      const [result] = messages.filter(({ role }) => role === 'tool');
      assert.ok(result.content.includes('no such city'));
      assert.equal(messages.at(-1).content, TEXTS[1]);
    });

    test("the caller's token is one of its headers", async () => {
      const one = client(withToken[0], { headers: { Authorization: 'Bearer the.callers.token' } });
      const asked = one.ask('Hi');
      const turn = await agent.turn();
      assert.equal(turn.headers.authorization, 'Bearer the.callers.token');
      turn.answer('Hello');
      assert.equal((await asked).error, undefined);
    });

    test('a reply that was cut says so', async () => {
      const one = client(short);
      const asked = one.ask('Hi');
      (await agent.turn()).answer('Hello there');
      const { messages, result, finished } = await asked;
      assert.equal(textOf(messages), 'Hello');
      assert.deepEqual(finished.result, { incomplete: true });
      assert.deepEqual(result, { incomplete: true });
    });

    test('events come as the agent speaks', async () => {
      const one = client();
      const seen = [];
      const waits = [];
      one.agent.subscribe({
        onEvent({ event }) {
          seen.push(event.type);
          for (const wait of waits.splice(0)) wait();
        },
      });
      const until = async type => {
        while (!seen.includes(type)) await new Promise(wake => waits.push(wake));
      };
      const asked = one.ask('Weather?');
      const turn = await agent.turn();
      for (const [messages, type] of [
        [CALLS.slice(0, 2), 'REASONING_MESSAGE_CONTENT'],
        [CALLS.slice(2, 5), 'TEXT_MESSAGE_CONTENT'],
        [CALLS.slice(5), 'TOOL_CALL_END'],
      ]) {
        assert.ok(!seen.includes(type), `${type} is too early`);
        turn.send(...messages);
        await until(type);
      }
      turn.close();
      await asked;
    });

    for (const [what, fails, message] of [
      ['the agent reports an error', turn => turn.reportError(), AGENT_FAILED],
      ['the agent is lost', turn => turn.vanish(), AGENT_LOST],
    ]) {
      test(`a run in which ${what} ends in our words`, async () => {
        const one = client();
        const asked = one.ask('Hi');
        const turn = await agent.turn();
        turn.say('Hello ');
        turn.say('th');
        fails(turn);
        const { messages, error, finished } = await asked;
        assert.equal(finished, undefined);
        assert.equal(error.message, message);
        assert.equal(textOf(messages), 'Hello th');
        assert.equal(one.events.at(-1).type, 'RUN_ERROR');
        assert.ok(!JSON.stringify(one.events).includes(SECRET));
      });
    }

    for (const [way, bridge] of [
      ['on the local run', exposed],
      ['behind a gateway', behind],
    ]) {
      test(`abortRun() in mid-stream closes the connection to the agent, ${way}`, async () => {
        const one = client(bridge);
        const seen = Promise.withResolvers();
        one.agent.subscribe({ onTextMessageContentEvent: () => void seen.resolve() });
        const asked = one.ask('Hi').catch(() => {});
        const turn = await agent.turn();
        turn.say('Hello ');
        await seen.promise;
        one.agent.abortRun();
        assert.equal(await turn.closed, 1000);
        await asked;
        assert.equal(textOf(one.agent.messages), 'Hello ');
      });
    }
  });
}

test("the invoke routes' stream is of the same events", async () => {
  const body = JSON.stringify({ agentId: 'echo', prompt: 'Weather?', sessionId: 'my-session' });
  for (const route of ['invoke', 'invoke/stream']) {
    const url = `${exposed.url}/api/agents/${route}?format=ag-ui`;
    const asked = fetch(url, { method: 'POST', body });
    const turn = await agent.turn();
    turn.send(...STEPS);
    turn.close();
    const events = eventsOf(await (await asked).text());
    events.forEach(judge);
    assert.equal(events[0].threadId, 'my-session');
    assert.equal(events.at(-1).type, 'RUN_FINISHED');
    for (const type of ['TEXT_MESSAGE_END', 'REASONING_END', 'TOOL_CALL_RESULT'])
      assert.ok(typesOf(events).includes(type), type);
  }
});

/** Takes the one run that the limit lets in. */
async function useUp(one) {
  const asked = one.run();
  (await agent.turn()).answer('Hello');
  await asked;
  one.agent.addMessage({ id: '2', role: 'user', content: 'Hi again' });
}
