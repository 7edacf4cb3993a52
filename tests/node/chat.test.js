/** Conversations, by the `Chat` that `useChat` keeps. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Chat } from '@ai-sdk/react';
import { Agent, SECRET } from './agent.js';
import { AGENT_FAILED, AGENT_LOST, PATH, startFunction, startLocal } from './bridge.js';
import { UNUSUAL, textOf, textPartsOf, transport, until } from './chat.js';

const agent = await Agent.start();
const local = await startLocal(agent);
const lambda = await startFunction(agent);
after(async () => {
  await lambda.stop();
  await local.stop();
  agent.stop();
});

const WAYS = {
  streamed: () => transport(local.url + PATH),
  whole: () => transport(PATH, { fetch: lambda.fetch }),
};

/** A chat, and how each of its answers finished. */
function chatBy(transport) {
  const finished = [];
  const onFinish = ({ isAbort, isError, isDisconnect, message }) =>
    finished.push({ isAbort, isError, isDisconnect, text: textOf(message) });
  return { chat: new Chat({ transport, onFinish }), finished };
}

const well = { isAbort: false, isError: false, isDisconnect: false };

for (const way of Object.keys(WAYS)) {
  describe(`a conversation whose answers come ${way}`, () => {
    test('stays in the session that its first answer named', async () => {
      const { chat, finished } = chatBy(WAYS[way]());
      const first = chat.sendMessage({ text: UNUSUAL[1] });
      const one = await agent.turn();
      assert.equal(one.prompt, UNUSUAL[1]);
      assert.match(one.sessionId, /^session-[0-9a-f-]{36}$/);
      one.answer(...UNUSUAL);
      await first;
      const second = chat.sendMessage({ text: 'And now?' });
      const two = await agent.turn();
      assert.equal(two.prompt, 'And now?');
      assert.equal(two.sessionId, one.sessionId);
      two.answer('Goodbye');
      await second;
      assert.equal(chat.status, 'ready');
      assert.equal(chat.error, undefined);
      assert.deepEqual(
        chat.messages.map(message => [message.role, textOf(message)]),
        [
          ['user', UNUSUAL[1]],
          ['assistant', UNUSUAL.join('')],
          ['user', 'And now?'],
          ['assistant', 'Goodbye'],
        ],
      );
      for (const answer of [chat.messages[1], chat.messages[3]]) {
        assert.equal(answer.metadata.sessionId, one.sessionId);
        assert.ok(answer.metadata.metadata.chunks > 0);
        assert.equal(textPartsOf(answer)[0].state, 'done');
      }
      assert.deepEqual(finished, [
        { ...well, text: UNUSUAL.join('') },
        { ...well, text: 'Goodbye' },
      ]);
    });

    for (const [what, behave, errorText] of [
      ['that the agent reports', turn => turn.reportError(), AGENT_FAILED],
      ["of the agent's connection", turn => turn.vanish(), AGENT_LOST],
    ]) {
      test(`shows a failure ${what} beside the text before it, and goes on`, async () => {
        const { chat, finished } = chatBy(WAYS[way]());
        const first = chat.sendMessage({ text: 'Hi' });
        const one = await agent.turn();
        one.say('Hello ');
        one.say('th');
        behave(one);
        await first;
        assert.equal(chat.status, 'error');
        assert.equal(chat.error.message, errorText);
        assert.equal(textOf(chat.lastMessage), 'Hello th');
        assert.equal(chat.lastMessage.metadata.sessionId, one.sessionId);
        assert.deepEqual(finished, [{ ...well, isError: true, text: 'Hello th' }]);

        const second = chat.sendMessage({ text: 'Again' });
        const two = await agent.turn();
        assert.equal(two.sessionId, one.sessionId);
        two.answer('Hello there');
        await second;
        assert.equal(chat.status, 'ready');
        assert.equal(chat.error, undefined);
        assert.equal(textOf(chat.lastMessage), 'Hello there');
      });
    }

    for (const [what, request, behave, status, error] of [
      ['the agent reports an error', {}, turn => turn.reportError(), 500, 'InternalError'],
      ['the agent is lost', {}, turn => turn.vanish(), 503, 'ServiceUnavailableError'],
      ['there is no such agent', { agentId: 'nobody' }, null, 404, 'NotFoundError'],
      ['the prompt is blank', { prompt: ' ' }, null, 400, 'ValidationError'],
    ]) {
      test(`shows our answer where ${what} before the first word`, async () => {
        const { chat, finished } = chatBy(WAYS[way]());
        const sending = chat.sendMessage({ text: 'Hi' }, { body: request });
        if (behave) behave(await agent.turn());
        await sending;
        assert.equal(chat.status, 'error');
        assert.equal(chat.error.statusCode, status);
        assert.equal(chat.error.message, chat.error.responseBody);
        const body = JSON.parse(chat.error.message);
        assert.equal(body.error, error);
        assert.equal(typeof body.message, 'string');
        assert.equal(body.details.retryable, false);
        assert.ok(!chat.error.message.includes(SECRET));
        assert.equal(chat.messages.length, 1);
        assert.deepEqual(finished, [{ ...well, isError: true, text: '' }]);
      });
    }
  });
}

test('a chat shows text while the agent speaks', async () => {
  const { chat } = chatBy(WAYS.streamed());
  const sending = chat.sendMessage({ text: 'Hi' });
  const turn = await agent.turn();
  assert.equal(chat.status, 'submitted');
  turn.say('Hello ');
  await until(() => chat.messages.length === 2 && textOf(chat.lastMessage) === 'Hello ');
  assert.equal(chat.status, 'streaming');
  assert.equal(chat.lastMessage.metadata.sessionId, turn.sessionId);
  turn.say('there');
  await until(() => textOf(chat.lastMessage) === 'Hello there');
  assert.equal(chat.status, 'streaming');
  turn.end();
  await sending;
  assert.equal(chat.status, 'ready');
});

test("stop() before the first word closes the agent's connection", async () => {
  const { chat, finished } = chatBy(WAYS.streamed());
  const sending = chat.sendMessage({ text: 'Hi' });
  const turn = await agent.turn();
  await chat.stop();
  assert.equal(await turn.closed, 1000);
  await sending;
  assert.equal(chat.status, 'ready');
  assert.deepEqual(finished, [{ ...well, isAbort: true, text: '' }]);
});

test("stop() in the middle keeps the text and closes the agent's connection", async () => {
  const { chat, finished } = chatBy(WAYS.streamed());
  const sending = chat.sendMessage({ text: 'Hi' });
  const turn = await agent.turn();
  turn.say('Hello ');
  await until(() => chat.messages.length === 2 && textOf(chat.lastMessage) === 'Hello ');
  await chat.stop();
  assert.equal(await turn.closed, 1000);
  await sending;
  assert.equal(chat.status, 'ready');
  assert.equal(chat.error, undefined);
  assert.deepEqual(finished, [{ ...well, isAbort: true, text: 'Hello ' }]);
});

test('an answer that ends closes the connection of the agent', async () => {
  const { chat } = chatBy(WAYS.streamed());
  const sending = chat.sendMessage({ text: 'Hi' });
  const turn = await agent.turn();
  turn.answer('Hello');
  await sending;
  assert.equal(await turn.closed, 1000);
});
