/** The page behind a development proxy. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { after, test } from 'node:test';
import { open } from './browser.js';
import { startLocal } from './local.js';

/** A proxy that serves the local run below `/dev/`: as it is asked, or as if it were asked itself. */
async function startProxy(target, { strips, changesHost }) {
  const server = createServer((incoming, outgoing) => {
    const path = strips ? incoming.url.replace(/^\/dev/, '') : incoming.url;
    const headers = { ...incoming.headers, ...(changesHost && { host: target.host }) };
    const { method } = incoming;
    const asked = request({ host: target.hostname, port: target.port, path, method, headers }, answer => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on('error', () => outgoing.destroy());
    outgoing.on('close', () => asked.destroy());
    incoming.pipe(asked);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${server.address().port}/dev/`;
}

for (const strips of [true, false]) {
  for (const changesHost of [true, false]) {
    test(`a proxy that ${strips ? 'strips' : 'keeps'} its prefix and ${changesHost ? 'changes' : 'keeps'} the host`, async () => {
      const local = await startLocal([], strips ? {} : { BASE_PATH: '/dev' });
      after(() => local.stop());
      const url = await startProxy(new URL(local.url), { strips, changesHost });
      const page = await open(url);
      const turn = await page.askAndWait('Hello');
      assert.match(await turn.innerText(), /You said: Hello/);
      await turn.getByText('what was read from them').click();
      await turn.locator('tbody tr.message').first().waitFor();
      const line = await turn.locator('.curl code').textContent();
      assert.ok(line.includes(`${url}api/agents/invoke/stream`), line);
      await page.close();
    });
  }
}

test('without the slash the page is found all the same', async () => {
  const local = await startLocal([], { BASE_PATH: '/dev' });
  after(() => local.stop());
  const page = await open(local.url.replace(/\/$/, ''));
  assert.equal(page.page.url().split('#')[0], local.url);
  await page.close();
});
