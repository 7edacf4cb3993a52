/** OpenAI's client in a page of another origin: the browser asks first whether its headers may go. */

import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agent, local } from './bridges.js';
import { launch, serve, skip } from './browser.js';

/** Where the page's scripts are: the packages, as they are. */
const PACKAGES = realpathSync(join(import.meta.dirname, 'node_modules'));

describe("OpenAI's client in a browser", { skip }, () => {
  const stopping = [];
  let page, bridge;
  const preflights = [];

  before(async () => {
    const { origin, stop } = await serve(PACKAGES);
    stopping.push(stop);
    bridge = await local({ CORS_ALLOWED_ORIGINS: origin });
    const browser = await launch();
    stopping.push(() => browser.close());
    page = await browser.newPage();
    const network = await page.context().newCDPSession(page);
    await network.send('Network.enable');
    network.on('Network.requestWillBeSent', ({ request }) => {
      if (request.method === 'OPTIONS') preflights.push(request.headers);
    });
    // Any page of that origin will do.
    await page.goto(`${origin}/openai/package.json`);
  });

  after(async () => {
    for (const stop of stopping.reverse()) await stop();
  });

  /** Asks from the page; gives the text and the session, or the error. */
  const ask = (options, request) =>
    page.evaluate(
      async ([options, request]) => {
        const { OpenAI } = await import('/openai/index.mjs');
        const client = new OpenAI({
          ...options,
          apiKey: 'any',
          maxRetries: 0,
          dangerouslyAllowBrowser: true,
        });
        try {
          const asked = client.chat.completions.create(request, {
            headers: { 'x-session-id': 'of-a-page' },
            timeout: 60_000,
          });
          const { data, response } = await asked.withResponse();
          let text = '';
          for await (const { choices } of data) text += choices[0].delta.content ?? '';
          return { text, session: response.headers.get('x-session-id') };
        } catch (error) {
          const { status, code, requestID } = error;
          return { kind: error.constructor.name, status, code, requestID };
        }
      },
      [options, request],
    );

  const saying = model => ({
    model,
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
  });

  test('streams, and reads its session', async () => {
    const asked = ask({ baseURL: `${bridge.url}/v1` }, saying('echo'));
    const turn = await agent.turn();
    assert.equal(turn.sessionId, 'of-a-page');
    turn.answer('Hello ', 'there');
    assert.deepEqual(await asked, { text: 'Hello there', session: 'of-a-page' });
    const asks = preflights.map(headers => headers['Access-Control-Request-Headers']);
    assert.ok(asks.some(names => names?.includes('x-stainless-')), JSON.stringify(preflights));
  });

  test('reads why it was refused', async () => {
    const { requestID, ...error } = await ask({ baseURL: `${bridge.url}/v1` }, saying('nobody'));
    assert.deepEqual(error, { kind: 'NotFoundError', status: 404, code: 'NotFoundError' });
    assert.ok(requestID);
  });
});
