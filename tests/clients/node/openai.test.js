/** OpenAI's own client, with a base URL alone. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { SECRET } from '../../node/agent.js';
import { AGENT_FAILED, AGENT_LOST } from '../../node/bridge.js';
import { UNUSUAL } from '../../node/chat.js';
import { EXPOSED, WAYS, agent, lambda, local, streamingLambda } from './bridges.js';
import { STEPS, TEXTS } from './steps.js';

const exposed = await local(EXPOSED);
const behind = await streamingLambda();
const short = await lambda({ MAX_RESPONSE_BYTES: '5' });
const withToken = await local({ ECHO_AGENT_AUTH: 'caller' });

const { AuthenticationError, BadRequestError, InternalServerError, NotFoundError } = OpenAI;
const { PermissionDeniedError, RateLimitError } = OpenAI;

/** A client, and how many requests it made. */
function clientOf(bridge, more = {}) {
  const requests = [];
  const fetch = bridge.fetch ?? globalThis.fetch;
  const client = new OpenAI({
    baseURL: `${bridge.url}/v1`,
    apiKey: 'any',
    maxRetries: 0,
    fetch: (url, init) => {
      requests.push({ url, init });
      return fetch(url, init);
    },
    ...more,
  });
  return { client, requests };
}

const saying = (...contents) => ({
  model: 'echo',
  messages: contents.map(content => ({ role: 'user', content })),
});

for (const [way, start] of WAYS) {
  const { client } = clientOf(await start(EXPOSED));
  const { client: limited } = clientOf(await start({ RATE_LIMIT_PER_MINUTE: '1' }));

  describe(`openai, ${way}`, () => {
    test('a completion', async () => {
      const asked = client.chat.completions.create(saying(UNUSUAL[1])).withResponse();
      const turn = await agent.turn();
      assert.equal(turn.prompt, UNUSUAL[1]);
      turn.answer(...UNUSUAL);
      const { data, response } = await asked;
      const { id, created, ...rest } = data;
      assert.match(id, /^chatcmpl-/);
      assert.ok(Math.abs(created - Date.now() / 1000) < 60);
      assert.deepEqual(rest, {
        object: 'chat.completion',
        model: 'echo',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: UNUSUAL.join(''), refusal: null },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
      });
      assert.equal(response.headers.get('x-session-id'), turn.sessionId);
      assert.equal(await turn.closed, 1000);
    });

    test('a stream', async () => {
      const asked = client.chat.completions.create({ ...saying('Hi'), stream: true });
      const turn = await agent.turn();
      turn.answer(...UNUSUAL);
      const chunks = [];
      for await (const chunk of await asked) chunks.push(chunk);
      assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
      for (const chunk of chunks) {
        assert.equal(chunk.object, 'chat.completion.chunk');
        assert.equal(chunk.model, 'echo');
        assert.equal(chunk.choices.length, 1);
      }
      const choices = chunks.map(({ choices: [choice] }) => choice);
      assert.equal(choices[0].delta.role, 'assistant');
      assert.equal(choices.map(({ delta }) => delta.content ?? '').join(''), UNUSUAL.join(''));
      assert.deepEqual(
        choices.map(({ finish_reason }) => finish_reason),
        [...choices.slice(1).map(() => null), 'stop'],
      );
      assert.deepEqual(choices.at(-1).delta, {});
    });

    test("the client's own reader of streams", async () => {
      const stream = client.chat.completions.stream({
        ...saying('Hi'),
        stream_options: { include_usage: true },
      });
      (await agent.turn()).answer('Hello ', 'there');
      const { choices } = await stream.finalChatCompletion();
      assert.equal(choices[0].message.content, 'Hello there');
      assert.equal(choices[0].finish_reason, 'stop');
    });

    test("an agent's tools are not the client's to run, nor its reasoning to read", async () => {
      for (const stream of [false, true]) {
        const asked = client.chat.completions.create({ ...saying('Weather?'), stream });
        const turn = await agent.turn();
        turn.send(...STEPS);
        turn.close();
        const answer = await asked;
        if (!stream) {
          const [{ message, finish_reason }] = answer.choices;
          assert.deepEqual(message, {
            role: 'assistant',
            content: TEXTS.join(''),
            refusal: null,
          });
          assert.equal(finish_reason, 'stop');
          continue;
        }
        let text = '';
        for await (const { choices } of answer) {
          const { role, content, ...others } = choices[0].delta;
          assert.deepEqual(others, {});
          text += content ?? '';
        }
        assert.equal(text, TEXTS.join(''));
      }
    });

    test('a conversation without a session is told whole, in a fresh one', async () => {
      const asked = client.chat.completions.create({
        model: 'echo',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'text', text: 'there' }] },
          { role: 'assistant', content: 'Hello' },
          { role: 'user', content: 'And now?' },
        ],
        temperature: 0.5,
        tools: [{ type: 'function', function: { name: 'none', parameters: {} } }],
      });
      const turn = await agent.turn();
      assert.equal(
        turn.prompt,
        'system: Be brief.\nuser: Hi\nthere\nassistant: Hello\nuser: And now?',
      );
      assert.match(turn.sessionId, /^session-/);
      turn.answer('Now');
      await asked;
    });

    test('one with a session says what is new, there', async () => {
      const headers = { 'x-session-id': 'my-session' };
      const asked = client.chat.completions.create(saying('Hi', 'And now?'), { headers });
      const turn = await agent.turn();
      assert.deepEqual(turn.message, { prompt: 'And now?', sessionId: 'my-session' });
      turn.answer('Now');
      await asked;
      const metadata = { sessionId: 'my-other-session' };
      const other = client.chat.completions.create({ ...saying('Hi', 'And now?'), metadata });
      const otherTurn = await agent.turn();
      assert.deepEqual(otherTurn.message, { prompt: 'And now?', sessionId: 'my-other-session' });
      otherTurn.answer('Now');
      await other;
    });

    test('the agents are its models', async () => {
      const models = [];
      for await (const model of client.models.list()) models.push(model);
      assert.deepEqual(
        models.map(({ id, object, created, owned_by }) => [id, object, typeof created, typeof owned_by]),
        [['echo', 'model', 'number', 'string']],
      );
    });

    for (const [what, fails, message, code] of [
      ['the agent reports an error', turn => turn.reportError(), AGENT_FAILED, 'InternalError'],
      ['the agent is lost', turn => turn.vanish(), AGENT_LOST, 'ServiceUnavailableError'],
    ]) {
      test(`a stream in which ${what} throws in our words`, async () => {
        const asked = client.chat.completions.create({ ...saying('Hi'), stream: true });
        const turn = await agent.turn();
        turn.say('Hello ');
        turn.say('th');
        fails(turn);
        let text = '';
        await assert.rejects(
          async () => {
            for await (const { choices } of await asked) text += choices[0].delta.content ?? '';
          },
          error => {
            assert.ok(error instanceof OpenAI.APIError);
            assert.equal(error.error.message, message);
            assert.equal(error.code, code);
            assert.equal(error.type, 'server_error');
            assert.ok(!JSON.stringify(error).includes(SECRET));
            return true;
          },
        );
        assert.equal(text, 'Hello th');
      });
    }

    for (const [status, Class, code, { by = client, body = saying('Hi'), prepare }] of [
      [400, BadRequestError, 'ValidationError', { body: saying(' ') }],
      [401, AuthenticationError, 'AuthenticationError', { prepare: () => agent.refuse(401) }],
      [403, PermissionDeniedError, 'AuthorizationError', { prepare: () => agent.refuse(403) }],
      [404, NotFoundError, 'NotFoundError', { body: { ...saying('Hi'), model: 'nobody' } }],
      [429, RateLimitError, 'RateLimitError', { by: limited, prepare: useUp }],
      [503, InternalServerError, 'ServiceUnavailableError', { prepare: () => agent.refuse(503) }],
    ]) {
      for (const stream of [false, true]) {
        test(`an answer of ${status} is ${Class.name}${stream ? ', of a stream too' : ''}`, async () => {
          await prepare?.(stream);
          await assert.rejects(by.chat.completions.create({ ...body, stream }), error => {
            assert.equal(error.constructor, Class);
            assert.equal(error.status, status);
            assert.equal(error.code, code);
            assert.equal(error.type, status < 500 ? 'invalid_request_error' : 'server_error');
            assert.ok(error.message.length > 4);
            assert.ok(error.requestID);
            const again = String(status === 429 || status === 503);
            assert.equal(error.headers.get('x-should-retry'), again);
            return true;
          });
        });
      }
    }

    async function useUp(stream) {
      // The second test finds the limit as the first has left it.
      if (stream) return;
      const asked = limited.chat.completions.create(saying('Hi'));
      (await agent.turn()).answer('Hello');
      await asked;
    }
  });
}

describe('openai', () => {
  for (const [way, bridge] of [
    ['on the local run', exposed],
    ['behind a gateway', behind],
  ]) {
    for (const [how, leave] of [
      ['leaving the loop', () => {}],
      ['controller.abort()', stream => stream.controller.abort()],
    ]) {
      test(`${how} in mid-stream closes the connection to the agent, ${way}`, async () => {
        const { client } = clientOf(bridge);
        const asked = client.chat.completions.create({ ...saying('Hi'), stream: true });
        const turn = await agent.turn();
        turn.say('Hello ');
        for await (const { choices } of await asked) {
          if (!choices[0].delta.content) continue;
          assert.equal(choices[0].delta.content, 'Hello ');
          leave(await asked);
          break;
        }
        assert.equal(await turn.closed, 1000);
      });
    }
  }

  test('what is not there is not found, and another method not allowed', async () => {
    const { client } = clientOf(exposed);
    const embedding = client.embeddings.create({ model: 'echo', input: 'x' });
    await assert.rejects(embedding, { constructor: NotFoundError, status: 404 });
    await assert.rejects(client.get('/chat/completions'), error => {
      assert.equal(error.status, 405);
      assert.equal(error.code, 'MethodNotAllowedError');
      return true;
    });
  });

  test('an id that is empty is a fresh session, and one that is none is refused', async () => {
    const { client } = clientOf(exposed);
    const asking = id =>
      client.chat.completions.create(saying('Hi', 'And now?'), { headers: { 'x-session-id': id } });
    const asked = asking('');
    const turn = await agent.turn();
    assert.match(turn.sessionId, /^session-/);
    assert.equal(turn.prompt, 'user: Hi\nuser: And now?');
    turn.answer('Now');
    await asked;
    await assert.rejects(asking('temporary:1'), { constructor: BadRequestError, status: 400 });
  });

  test('a reply that was cut is one of its length', async () => {
    const { client } = clientOf(short);
    for (const stream of [false, true]) {
      const asked = client.chat.completions.create({ ...saying('Hi'), stream });
      (await agent.turn()).answer('Hello there');
      const answer = await asked;
      const chunks = stream ? await Array.fromAsync(answer) : [answer];
      const text = chunks.map(({ choices: [choice] }) => (choice.delta ?? choice.message).content);
      assert.equal(text.join(''), 'Hello');
      assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
    }
  });

  test("the caller's token is its API key", async () => {
    for (const apiKey of ['the.callers.token', async () => 'the.callers.token']) {
      const { client } = clientOf(withToken, { apiKey });
      const asked = client.chat.completions.create(saying('Hi'));
      const turn = await agent.turn();
      assert.equal(turn.headers.authorization, 'Bearer the.callers.token');
      turn.answer('Hello');
      assert.equal((await asked).choices[0].message.content, 'Hello');
    }
  });

  test('what did not reach the agent is sent again by the client', async () => {
    const { client, requests } = clientOf(exposed, { maxRetries: 2 });
    agent.refuse(503);
    const asked = client.chat.completions.create(saying('Hi'));
    (await agent.turn()).answer('Hello');
    assert.equal((await asked).choices[0].message.content, 'Hello');
    assert.equal(requests.length, 2);
  });

  for (const [what, fails, status] of [
    ['failed', turn => turn.reportError(), 500],
    ['was lost', turn => turn.vanish(), 503],
  ]) {
    test(`an agent that ${what} is not asked again`, async () => {
      const { client, requests } = clientOf(exposed, { maxRetries: 2 });
      const asked = client.chat.completions.create(saying('Hi'));
      fails(await agent.turn());
      await assert.rejects(asked, { status });
      assert.equal(requests.length, 1);
    });
  }
});
