/** The AI SDK: the newest, the one before, and the first of version 5, which takes no unknown field. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as newest from 'ai';
import * as five from 'ai-5-0-0';
import * as six from 'ai-6';
import { Chat } from '@ai-sdk/react';
import { SECRET } from '../../node/agent.js';
import { AGENT_FAILED, PATH } from '../../node/bridge.js';
import { textOf } from '../../node/chat.js';
import { EXPOSED, WAYS, agent, local, streamingLambda } from './bridges.js';
import { CALL, CALLS, ANSWERS, FAILS, REASONING, RESULT, STEPS, SUCCEEDS, TEXTS } from './steps.js';

const VERSIONS = { '7.0': newest, '6.0': six, '5.0.0': five };
const HI = [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Weather?' }] }];

const plain = await local();
const behind = await streamingLambda();
const ways = await Promise.all(
  WAYS.map(async ([way, start]) => ({
    way,
    bridge: await start(EXPOSED),
    withToken: await start({ ECHO_AGENT_AUTH: 'caller' }),
    limited: await Promise.all(
      Object.keys(VERSIONS).map(() => start({ RATE_LIMIT_PER_MINUTE: '1' })),
    ),
  })),
);

/** The SDK's own transport, with its requests put into our words. */
function transport({ DefaultChatTransport }, bridge, body = {}, headers = undefined) {
  return new DefaultChatTransport({
    api: bridge.url + PATH,
    fetch: bridge.fetch,
    headers,
    prepareSendMessagesRequest: ({ messages }) => ({
      body: { agentId: 'echo', prompt: textOf(messages.at(-1)), ...body },
    }),
  });
}

const send = (ai, bridge, more = {}) =>
  transport(ai, bridge, more.body).sendMessages({
    trigger: 'submit-message',
    chatId: 'chat',
    messages: HI,
    ...more,
  });

/** What a message has become in the end, and what went wrong with it. */
async function read({ readUIMessageStream }, stream) {
  const errors = [];
  const onError = error => errors.push(error.message);
  const states = await Array.fromAsync(readUIMessageStream({ stream, onError }));
  return { message: states.at(-1), errors };
}

/** A message's parts, without what differs from version to version. */
const partsOf = ({ parts }) =>
  parts.map(({ type, state, text, toolName, toolCallId, input, output, errorText }) =>
    JSON.parse(
      JSON.stringify({ type, state, text, toolName, toolCallId, input, output, errorText }),
    ),
  );

const call = {
  type: 'dynamic-tool',
  toolName: CALL.name,
  toolCallId: CALL.id,
  input: CALL.input,
};
const thought = { type: 'reasoning', state: 'done', text: REASONING };
const said = text => ({ type: 'text', state: 'done', text });

for (const [index, [version, ai]] of Object.entries(VERSIONS).entries()) {
  describe(`ai ${version}`, () => {
    for (const { way, bridge, withToken, limited } of ways) {
      test(`reasoning and tools, ${way}`, async () => {
        const sent = send(ai, bridge);
        const turn = await agent.turn();
        turn.send(...STEPS);
        turn.close();
        const { message, errors } = await read(ai, await sent);
        assert.deepEqual(errors, []);
        const parts = partsOf(message);
        const [result] = parts.filter(({ type }) => type === 'dynamic-tool');
        assert.ok(JSON.stringify(result.output).includes(RESULT));
        delete result.output;
        assert.deepEqual(parts, [
          { type: 'step-start' },
          thought,
          said(TEXTS[0]),
          { ...call, state: 'output-available' },
          { type: 'step-start' },
          said(TEXTS[1]),
        ]);
      });

      for (const [status, error, { by = bridge, body, prepare = () => {} }] of [
        [400, 'ValidationError', { body: { prompt: ' ' } }],
        [401, 'AuthenticationError', { by: withToken }],
        [403, 'AuthorizationError', { prepare: () => agent.refuse(403) }],
        [404, 'NotFoundError', { body: { agentId: 'nobody' } }],
        [429, 'RateLimitError', { by: limited[index], prepare: useUp }],
        [503, 'ServiceUnavailableError', { prepare: () => agent.refuse(503) }],
      ]) {
        test(`an answer of ${status} is an error with our words, ${way}`, async () => {
          await prepare(by);
          await assert.rejects(send(ai, by, { body }), thrown => {
            assert.equal(JSON.parse(thrown.message).error, error);
            if (ai === newest) {
              assert.ok(ai.APICallError.isInstance(thrown));
              assert.equal(thrown.statusCode, status);
              assert.equal(thrown.responseBody, thrown.message);
            }
            return true;
          });
        });
      }

      async function useUp(bridge) {
        const sent = send(ai, bridge);
        (await agent.turn()).answer('Hello');
        await read(ai, await sent);
      }
    }

    test("the caller's token is one of its headers, read when it is needed", async () => {
      const headers = () => ({ Authorization: 'Bearer the.callers.token' });
      const sent = transport(ai, ways[0].withToken, {}, headers).sendMessages({ messages: HI });
      const turn = await agent.turn();
      assert.equal(turn.headers.authorization, 'Bearer the.callers.token');
      turn.answer('Hello');
      assert.equal(textOf((await read(ai, await sent)).message), 'Hello');
    });

    test("a tool's failure is its own", async () => {
      const sent = send(ai, ways[0].bridge);
      const turn = await agent.turn();
      turn.send(...CALLS, FAILS, ...ANSWERS);
      turn.close();
      const { message, errors } = await read(ai, await sent);
      assert.deepEqual(errors, []);
      const parts = partsOf(message);
      const [failed] = parts.filter(({ type }) => type === 'dynamic-tool');
      const { errorText, ...rest } = failed;
      assert.ok(errorText.includes('no such city'));
      assert.deepEqual(rest, { ...call, state: 'output-error' });
      assert.deepEqual(parts.at(-1), said(TEXTS[1]));
    });

    test('nothing of reasoning and tools where they are not exposed', async () => {
      const sent = send(ai, plain);
      const turn = await agent.turn();
      turn.send(...STEPS);
      turn.close();
      const { message, errors } = await read(ai, await sent);
      assert.deepEqual(errors, []);
      const kinds = new Set(message.parts.map(({ type }) => type));
      assert.deepEqual(kinds, new Set(['step-start', 'text']));
      assert.equal(textOf(message), TEXTS.join(''));
    });

    test('a failure amid the steps keeps what came before it', async () => {
      const sent = send(ai, ways[0].bridge);
      const turn = await agent.turn();
      turn.send(...CALLS);
      turn.reportError();
      const { message, errors } = await read(ai, await sent);
      assert.deepEqual(errors, [AGENT_FAILED]);
      assert.equal(textOf(message), TEXTS[0]);
      assert.ok(!JSON.stringify(message).includes(SECRET));
    });

    for (const [way, bridge] of [
      ['on the local run', ways[0].bridge],
      ['behind a gateway', behind],
    ]) {
      test(`stopping in mid-stream closes the connection to the agent, ${way}`, async () => {
        const stopping = new AbortController();
        const sent = send(ai, bridge, { abortSignal: stopping.signal });
        const turn = await agent.turn();
        turn.say('Hello ');
        const reader = (await sent).getReader();
        const next = async () => (await reader.read()).value;
        while ((await next()).type !== 'text-delta');
        stopping.abort();
        assert.equal(await turn.closed, 1000);
        await assert.rejects(next(), { name: 'AbortError' });
      });
    }
  });
}

for (const [what, steps] of [
  ['answers after its tools', STEPS],
  ['says nothing after its tools', [...CALLS, SUCCEEDS]],
]) {
  test(`a chat with an agent that ${what} is sent once, and runs no tool itself`, async () => {
    const asked = [];
    const chat = new Chat({
      transport: transport(newest, ways[0].bridge),
      sendAutomaticallyWhen: newest.lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }) => void asked.push(toolCall),
    });
    const sending = chat.sendMessage({ text: 'Weather?' });
    const turn = await agent.turn();
    turn.send(...steps);
    turn.close();
    await sending;
    assert.equal(chat.status, 'ready');
    assert.equal(chat.error, undefined);
    assert.equal(chat.lastMessage.parts.filter(({ type }) => type === 'dynamic-tool').length, 1);
    assert.deepEqual(asked, []);
    // Were it sent again by itself, that would be the agent's next turn.
    const next = chat.sendMessage({ text: 'And now?' });
    const second = await agent.turn();
    assert.equal(second.prompt, 'And now?');
    second.answer('Now');
    await next;
  });
}
