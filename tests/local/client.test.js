/** The reference client in Node; `client-page.test.js` has it in the browser. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { AgentError, Conversation } from '../../examples/client/agents-client.js';
import { Agent } from './agent.js';
import { startLocal } from './local.js';

const agent = await Agent.start();
const local = await startLocal([`--agent=played=${agent.address}`], { CHUNK_TIMEOUT_MS: '2000', EXPOSE_STEPS: 'tools,reasoning' });
after(async () => {
  await local.stop();
  await agent.stop();
});

const conversation = (more = {}) => new Conversation('played', { baseUrl: local.url, ...more });

async function failureOf(events) {
  try {
    const seen = await Array.fromAsync(events);
    assert.fail(`no error after ${JSON.stringify(seen)}`);
  } catch (error) {
    assert.ok(error instanceof AgentError, error.stack);
    return error;
  }
}

test('a reply is told as it comes, and the session is kept', async () => {
  const talk = conversation();
  const events = talk.send('Hi');
  const first = events.next();
  const turn = await agent.turn();
  assert.equal(turn.message.prompt, 'Hi');
  turn.send({ text: 'Grüße, ' });
  assert.equal((await first).value.type, 'session');
  assert.deepEqual((await events.next()).value, { type: 'text', text: 'Grüße, ' }, 'before the reply is over');
  turn.send({ text: '☃\n\ndata: x' }, { type: 'done' });
  const rest = await Array.fromAsync(events);
  assert.deepEqual(rest[0], { type: 'text', text: '☃\n\ndata: x' });
  const { type, sessionId, metadata, incomplete } = rest[1];
  assert.deepEqual([type, sessionId, metadata.chunks, incomplete], ['complete', talk.sessionId, 2, false]);
  assert.equal(rest.length, 2);

  const again = Array.fromAsync(talk.send('More'));
  const next = await agent.turn();
  assert.equal(next.message.sessionId, turn.message.sessionId);
  next.send({ type: 'done' });
  await again;
});

test('a kept session goes on in another conversation', async () => {
  const sessionId = 'kept-from-before-0123456789-0123456789';
  const running = Array.fromAsync(conversation({ sessionId }).send('Hi'));
  const turn = await agent.turn();
  assert.equal(turn.message.sessionId, sessionId);
  turn.send({ type: 'done' });
  await running;
});

test('thinking and tools are told where the API tells them', async () => {
  const running = Array.fromAsync(conversation().send('Hi'));
  const turn = await agent.turn();
  turn.send(
    { type: 'REASONING_MESSAGE_CONTENT', messageId: 'r', delta: 'hm' },
    { type: 'TOOL_CALL_START', toolCallId: 'c', toolCallName: 'look' },
    { type: 'TOOL_CALL_ARGS', toolCallId: 'c', delta: '{"at":1}' },
    { type: 'TOOL_CALL_END', toolCallId: 'c' },
    { type: 'TOOL_CALL_RESULT', toolCallId: 'c', content: 'seen' },
    { type: 'RUN_FINISHED' },
    '[DONE]',
  );
  const events = (await running).filter(({ type }) => !['session', 'complete'].includes(type));
  assert.deepEqual(events, [
    { type: 'reasoning', text: 'hm' },
    { type: 'tool-call', id: 'c', name: 'look', input: { at: 1 } },
    { type: 'tool-result', id: 'c', output: 'seen', failed: false },
  ]);
});

test('an error before the first word is the API’s', async () => {
  const running = failureOf(conversation().send('Hi'));
  (await agent.turn()).send({ error: 'no' });
  const { code, status, phase, retryable, requestId, message } = await running;
  assert.deepEqual([code, status, phase, retryable], ['InternalError', 500, 'first_chunk', false]);
  assert.match(requestId, /^[0-9a-f-]{36}$/);
  assert.equal(message, 'the agent reported an error');
  const unknown = await failureOf(new Conversation('nobody', { baseUrl: local.url }).send('Hi'));
  assert.deepEqual([unknown.code, unknown.status], ['NotFoundError', 404]);
});

test('an error after the first word comes after it, and the session goes on', async () => {
  const talk = conversation();
  const events = talk.send('Hi');
  const first = events.next();
  const turn = await agent.turn();
  turn.send({ text: 'one' }, { error: 'no' });
  assert.equal((await first).value.type, 'session');
  assert.equal((await events.next()).value.text, 'one');
  const error = await failureOf(events);
  assert.deepEqual([error.code, error.phase], ['InternalError', 'stream']);
  assert.equal(talk.sessionId, turn.message.sessionId);
});

test('aborting gives the reason, and closes the agent’s connection', async () => {
  for (const says of [false, true]) {
    const abort = new AbortController();
    const running = Array.fromAsync(conversation().send('Hi', { signal: abort.signal }));
    const turn = await agent.turn();
    if (says) turn.send({ text: 'one' });
    const reason = new Error('enough');
    abort.abort(reason);
    await assert.rejects(running, error => error === reason);
    // A connection that is dropped may close by frame or without one.
    assert.ok([1000, 1006].includes(await turn.closed));
  }
});

test('leaving the loop closes the agent’s connection', async () => {
  const sending = (async () => {
    for await (const event of conversation().send('Hi')) if (event.type === 'text') return;
  })();
  const turn = await agent.turn();
  turn.send({ text: 'one' });
  await sending;
  assert.ok([1000, 1006].includes(await turn.closed));
});

test('a token is asked for with each request', async () => {
  const seen = [];
  const server = await answering((request, response) => {
    seen.push(request.headers.authorization);
    response.end('event: complete\ndata: {"metadata":{}}\n\n');
  });
  let number = 0;
  const talk = new Conversation('a', { baseUrl: server.url, headers: async () => ({ authorization: `Bearer ${(number += 1)}` }) });
  await Array.fromAsync(talk.send('1'));
  await Array.fromAsync(talk.send('2'));
  assert.deepEqual(seen, ['Bearer 1', 'Bearer 2']);
});

test('what is not the API’s answer is a NetworkError', async () => {
  const html = await answering((_, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'));
  const cut = await answering((_, response) => {
    response.write('event: session\ndata: {"sessionId":"s"}\n\n');
    setImmediate(() => response.destroy());
  });
  const early = await answering((_, response) => response.end('data: {"chunk":"half"}\n\n'));
  const closed = await answering(() => {});
  closed.stop();
  for (const [{ url }, status] of [[html, 502], [cut, 200], [early, 200], [closed, undefined]]) {
    const error = await failureOf(new Conversation('a', { baseUrl: url }).send('Hi'));
    assert.deepEqual([error.code, error.status, error.retryable], ['NetworkError', status, false]);
  }
});

test('a refusal says how long to wait', async () => {
  const details = { retryable: true, retryAfter: 3 };
  const body = JSON.stringify({ error: 'RateLimitError', message: 'too many', details });
  const server = await answering((_, response) => response.writeHead(429).end(body));
  const error = await failureOf(new Conversation('a', { baseUrl: server.url }).send('Hi'));
  assert.deepEqual([error.code, error.retryable, error.retryAfter], ['RateLimitError', true, 3]);
});

test('events are read wherever they are cut', async () => {
  const events = 'event: session\ndata: {"sessionId":"s"}\n\n: keep-alive\n\ndata: {"chunk":"é☃𝄞"}\n\nevent: complete\ndata: {"sessionId":"s","metadata":{"chunks":1,"duration":1}}\n\ndata: [DONE]\n\n';
  const server = await answering(async (_, response) => {
    for (const byte of Buffer.from(events)) {
      response.write(Buffer.of(byte));
      // Each byte in a packet of its own.
      await new Promise(setImmediate);
    }
    response.end();
  });
  const seen = await Array.fromAsync(new Conversation('a', { baseUrl: server.url }).send('Hi'));
  assert.deepEqual(seen.map(({ type }) => type), ['session', 'text', 'complete']);
  assert.equal(seen[1].text, 'é☃𝄞');
});

test('its types are what TypeScript makes of it', () => {
  const require = createRequire(import.meta.url);
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--allowJs', '--checkJs', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,dom,dom.asynciterable', '--types', ''];
  execFileSync(process.execPath, [tsc, ...options, 'client-types.ts'], { cwd: import.meta.dirname, stdio: 'inherit' });
});

test('the code in docs/frontend.md runs', async () => {
  const text = readFileSync(new URL('../../docs/frontend.md', import.meta.url), 'utf8');
  const [conversing, stopping, failing] = Array.from(text.matchAll(/^```js\n(.*?)^```$/gms), ([, code]) => code);
  const AsyncFunction = (async () => {}).constructor;
  const names = ['Conversation', 'localStorage', 'token', 'reply', 'conversation', 'prompt', 'stopButton', 'show', 'offerAgainIn', 'showError'];
  const run = (code, given) => {
    const body = code.replace(/^import .*$/m, '').replace('https://api.example.com/prod/', local.url).replace("'onboarding'", "'played'");
    // In a block, where it may declare what is given.
    return new AsyncFunction(...names, `{${body}}`)(...names.map(name => ({ Conversation, ...given })[name]));
  };

  const kept = new Map();
  const localStorage = { getItem: key => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  let reply = '';
  const running = run(conversing, { localStorage, token: async () => 'x', reply: { append: text => (reply += text) } });
  (await agent.turn()).send({ text: 'Good ' }, { text: 'day' }, { type: 'done' });
  await running;
  assert.equal(reply, 'Good day');
  assert.match(kept.get('session'), /^session-/);

  const stopButton = {};
  const seen = [];
  const stopped = run(stopping, { conversation: conversation(), prompt: 'Hi', stopButton, show: event => seen.push(event.type) });
  await agent.turn();
  stopButton.onclick();
  await assert.rejects(stopped, { name: 'AbortError' });

  const told = [];
  const failed = run(failing, { conversation: conversation(), prompt: 'Hi', show() {}, offerAgainIn() {}, showError: (...error) => told.push(error) });
  (await agent.turn()).send({ error: 'no' });
  await failed;
  assert.equal(told[0][0], 'the agent reported an error');
  assert.match(told[0][1], /^[0-9a-f-]{36}$/);
});

/** A server that is no bridge. */
async function answering(answer) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  after(stop);
  return { url: `http://127.0.0.1:${server.address().port}/`, stop };
}
