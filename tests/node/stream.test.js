/** The parts of the stream, one by one, by the AI SDK's own readers. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from 'ai';
import { Agent } from './agent.js';
import { AGENT_FAILED, AGENT_LOST, PATH, startFunction, startLocal } from './bridge.js';
import { UNUSUAL, textOf, textPartsOf, transport } from './chat.js';

const PIECES = ['Hello ', 'there', ...UNUSUAL];
const HI = [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }];

const agent = await Agent.start();
const local = await startLocal(agent);
const lambda = await startFunction(agent);
after(async () => {
  await lambda.stop();
  await local.stop();
  agent.stop();
});

/** The same streams, as they arrive piece by piece, and as a buffered answer. */
const WAYS = {
  streamed: (path, init) => fetch(local.url + path, init),
  whole: (path, init) => lambda.fetch(path, init),
};

/** The answer of one of the two, to whose request the agent does as told. */
async function answer(way, behave) {
  const body = JSON.stringify({ agentId: 'echo', prompt: 'Hi', sessionId: 'my-session' });
  const answering = WAYS[way](PATH, { method: 'POST', body });
  behave(await agent.turn());
  return answering;
}

/** Every part, each of which must be one that the AI SDK knows. */
async function partsOf(stream) {
  const parts = [];
  for await (const part of parseJsonEventStream({ stream, schema: uiMessageChunkSchema })) {
    assert.ok(part.success, `${JSON.stringify(part.rawValue)}: ${part.error}`);
    parts.push(part.value);
  }
  return parts;
}

const beginning = [
  { type: 'start', messageMetadata: { sessionId: 'my-session' } },
  { type: 'start-step' },
  { type: 'text-start', id: 'text-1' },
];
const delta = text => ({ type: 'text-delta', id: 'text-1', delta: text });
const end = told => [
  { type: 'text-end', id: 'text-1' },
  { type: 'finish-step' },
  { type: 'finish', messageMetadata: { sessionId: 'my-session', ...told } },
];

/** A stream's message in the end, the states that it went through, and the errors. */
async function readFrom(stream) {
  const errors = [];
  const onError = error => errors.push(error.message);
  const states = await Array.fromAsync(readUIMessageStream({ stream, onError }));
  return { message: states.at(-1), states, errors };
}

/** The same of an answer, by way of `DefaultChatTransport`. */
async function readAnswer(answer) {
  const fetch = async () => answer;
  return readFrom(await transport(PATH, { fetch }).sendMessages({ messages: HI }));
}

for (const way of Object.keys(WAYS)) {
  describe(`an answer that comes ${way}`, () => {
    test('says what it is', async () => {
      const { status, headers } = await answer(way, turn => turn.answer('Hello'));
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8');
      assert.equal(headers.get('x-vercel-ai-ui-message-stream'), 'v1');
    });

    test('ends with [DONE]', async () => {
      for (const behave of [
        turn => turn.answer('Hello'),
        turn => (turn.say('Hello'), turn.reportError()),
      ]) {
        const document = await (await answer(way, behave)).text();
        assert.ok(document.endsWith('\n\ndata: [DONE]\n\n'), document);
      }
    });

    test('consists of parts that the SDK knows', async () => {
      const { body } = await answer(way, turn => turn.answer(...PIECES));
      const parts = await partsOf(body);
      const { duration } = parts.at(-1).messageMetadata.metadata;
      assert.ok(Number.isInteger(duration) && duration >= 0, `a duration of ${duration}`);
      assert.deepEqual(parts, [
        ...beginning,
        ...PIECES.map(delta),
        ...end({ metadata: { chunks: PIECES.length, duration } }),
      ]);
    });

    test('consists of parts that the SDK knows where the agent fails', async () => {
      const { body } = await answer(way, turn => (turn.say('Hello'), turn.reportError()));
      const parts = await partsOf(body);
      assert.deepEqual(parts.slice(0, 4), [...beginning, delta('Hello')]);
      assert.deepEqual(parts.at(-1), { type: 'error', errorText: AGENT_FAILED });
      assert.ok(!parts.some(part => part.type === 'finish'), 'it does not finish');
    });

    test('is a message with its session, text and counts', async () => {
      const read = await readAnswer(await answer(way, turn => turn.answer(...PIECES)));
      assert.deepEqual(read.errors, []);
      const [text, ...more] = textPartsOf(read.message);
      assert.deepEqual(more, []);
      assert.equal(text.text, PIECES.join(''));
      assert.equal(text.state, 'done');
      assert.equal(read.message.role, 'assistant');
      assert.deepEqual(read.states[0].metadata, { sessionId: 'my-session' });
      const { sessionId, metadata, ...rest } = read.message.metadata;
      assert.deepEqual(rest, {});
      assert.equal(sessionId, 'my-session');
      assert.equal(metadata.chunks, PIECES.length);
      assert.ok(metadata.duration >= 0);
    });

    test('is an empty message where the agent says nothing', async () => {
      const { message, errors } = await readAnswer(await answer(way, turn => turn.end()));
      assert.deepEqual(errors, []);
      assert.deepEqual(
        textPartsOf(message).map(({ text, state }) => ({ text, state })),
        [{ text: '', state: 'done' }],
      );
      assert.equal(message.metadata.metadata.chunks, 0);
    });

    for (const [what, behave, errorText] of [
      ['reports an error', turn => turn.reportError(), AGENT_FAILED],
      ['is lost', turn => turn.vanish(), AGENT_LOST],
    ]) {
      test(`keeps the text where the agent ${what} after it`, async () => {
        const { message, errors } = await readAnswer(
          await answer(way, turn => {
            for (const piece of PIECES) turn.say(piece);
            behave(turn);
          }),
        );
        assert.deepEqual(errors, [errorText]);
        assert.equal(textOf(message), PIECES.join(''));
        assert.deepEqual(message.metadata, { sessionId: 'my-session' });
      });
    }
  });
}

test('a reader sees each piece before the agent says the next', async () => {
  const sending = transport(local.url + PATH).sendMessages({ messages: HI });
  const turn = await agent.turn();
  turn.say(PIECES[0]);
  const states = readUIMessageStream({ stream: await sending })[Symbol.asyncIterator]();
  for (const number of PIECES.keys()) {
    if (number > 0) turn.say(PIECES[number]);
    const said = PIECES.slice(0, number + 1).join('');
    let state;
    do {
      const { value, done } = await states.next();
      assert.ok(!done, `the stream ended before ${JSON.stringify(said)}`);
      state = value;
    } while (textOf(state) !== said);
    assert.equal(textPartsOf(state)[0].state, 'streaming');
  }
  turn.end();
  const rest = await Array.fromAsync({ [Symbol.asyncIterator]: () => states });
  assert.equal(textPartsOf(rest.at(-1))[0].state, 'done');
});

test('a stream is read alike however it is cut, and with keep-alives', async () => {
  const { body } = await answer('streamed', turn => turn.answer(...PIECES));
  const document = (await new Response(body).text()).replaceAll('\n\n', '\n\n: keep-alive\n\n');
  const bytes = new TextEncoder().encode(document);
  const cut = ReadableStream.from(Array.from(bytes, byte => Uint8Array.of(byte)));
  const { message, errors } = await readAnswer(new Response(cut));
  assert.deepEqual(errors, []);
  assert.equal(textOf(message), PIECES.join(''));
  assert.equal(message.metadata.metadata.chunks, PIECES.length);
});

test('a buffered answer that was cut says so at its end', async () => {
  const small = await startFunction(agent, { MAX_RESPONSE_BYTES: '8' });
  try {
    const { fetch } = small;
    const sending = transport(PATH, { fetch }).sendMessages({ messages: HI });
    (await agent.turn()).answer('Hello ', 'there');
    const { message, errors } = await readFrom(await sending);
    assert.deepEqual(errors, []);
    assert.equal(textOf(message), 'Hello th');
    assert.equal(textPartsOf(message)[0].state, 'done');
    assert.equal(message.metadata.incomplete, true);
  } finally {
    await small.stop();
  }
});
