/** Chromium, and a server of pages for it. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const TYPES = { html: 'text/html', json: 'application/json', js: 'text/javascript', mjs: 'text/javascript' };

const executablePath = process.env.CHROMIUM;

/** Why a test with a browser cannot run; `tests/clients/run` says it loudly. */
export const skip = executablePath ? false : 'CHROMIUM names no browser';

export function launch(...args) {
  return chromium.launch({ executablePath, args });
}

/** Serves a folder's files; gives the origin, and how to stop. */
export async function serve(folder) {
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, 'http://page');
    const name = normalize(pathname === '/' ? '/index.html' : pathname);
    const type = TYPES[name.split('.').at(-1)];
    const file = await readFile(join(folder, name)).catch(() => {});
    response.writeHead(file ? 200 : 404, type && { 'content-type': type }).end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
