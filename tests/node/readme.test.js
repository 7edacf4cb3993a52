/** The README's JavaScript: `fetch` by itself; `useChat`, its types and what a person in front of it sees. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Window } from 'happy-dom';
import { Agent } from './agent.js';
import { AGENT_FAILED, startLocal } from './bridge.js';
import { until } from './chat.js';

const README = process.env.README || join(import.meta.dirname, '../../README.md');
/** Beside the packages, so that the snippet finds them. */
const SCRATCH = join(realpathSync(join(import.meta.dirname, 'node_modules')), '../snippet');

const agent = await Agent.start();
const local = await startLocal(agent);
let unmount = () => {};
after(async () => {
  unmount();
  await local.stop();
  agent.stop();
});

rmSync(SCRATCH, { recursive: true, force: true });
mkdirSync(SCRATCH);

/** The README's one block of a language with these words in it. */
function snippet(language, words) {
  const fenced = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  const blocks = Array.from(readFileSync(README, 'utf8').matchAll(fenced), ([, code]) => code);
  const snippets = blocks.filter(code => code.includes(words));
  assert.equal(snippets.length, 1, `${README} has one ${language} block with ${words}`);
  return snippets[0];
}

/** Checks the snippet's types; gives its component. */
async function component() {
  writeFileSync(join(SCRATCH, 'snippet.tsx'), snippet('tsx', 'useChat('));
  const tsc = join(import.meta.dirname, 'node_modules/typescript/bin/tsc');
  const options =
    '--strict --skipLibCheck --noEmitOnError --target es2023 --module nodenext --jsx react-jsx';
  execFileSync(process.execPath, [tsc, ...options.split(' '), 'snippet.tsx'], {
    cwd: SCRATCH,
    stdio: 'inherit',
  });
  const [exported, ...more] = Object.values(
    await import(pathToFileURL(join(SCRATCH, 'snippet.js'))),
  );
  assert.deepEqual(more, [], 'the snippet exports its component alone');
  return exported;
}

test("the README's fetch", async () => {
  writeFileSync(join(SCRATCH, 'fetch.mjs'), snippet('js', 'fetch('));
  const { ask } = await import(pathToFileURL(join(SCRATCH, 'fetch.mjs')));
  const fetchFromServer = globalThis.fetch;
  // A page's addresses are its server's.
  globalThis.fetch = (url, init) => fetchFromServer(new URL(url, local.url), init);
  try {
    const say = async (prompt, sessionId) => {
      const asked = ask(prompt, sessionId);
      const turn = await agent.turn();
      assert.equal(turn.prompt, prompt);
      turn.say(`You said ${prompt}`);
      turn.end();
      return asked;
    };
    const first = await say('Hi');
    assert.equal(first.response, 'You said Hi');
    const second = await say('And now?', first.sessionId);
    assert.equal(second.sessionId, first.sessionId);
    await assert.rejects(ask(' '), { message: /prompt/ });
  } finally {
    globalThis.fetch = fetchFromServer;
  }
});

/** A page that came from the local run, with the component in it. */
async function show(Component) {
  const window = new Window({ url: local.url });
  const { document, FormData } = window;
  const fetchFromServer = globalThis.fetch;
  const fetch = (url, init) => fetchFromServer(new URL(url, local.url), init);
  Object.assign(globalThis, { window, document, FormData, fetch });
  // React looks at the page when it is loaded.
  const { createElement } = await import('react');
  const { createRoot } = await import('react-dom/client');
  const root = createRoot(document.body);
  root.render(createElement(Component));
  unmount = () => root.unmount();
  await until(() => document.querySelector('form button'));
  return document;
}

test("the README's conversation", async () => {
  const page = await show(await component());
  const sees = what => until(() => page.body.textContent.includes(what));
  const alert = () => page.querySelector('[role=alert]')?.textContent;
  const ask = async prompt => {
    page.querySelector('input').value = prompt;
    page.querySelector('button').click();
    const turn = await agent.turn();
    assert.equal(turn.prompt, prompt);
    return turn;
  };

  const first = await ask('Hi "you"\u2028');
  assert.match(first.sessionId, /^session-/);
  await sees('user: Hi "you"');
  first.say('Hello ');
  await sees('assistant: Hello ');
  first.say('there');
  await sees('assistant: Hello there');
  first.end();
  await first.closed;

  const second = await ask('And now?');
  assert.equal(second.sessionId, first.sessionId);
  assert.equal(alert(), undefined);
  second.say('Now');
  await sees('assistant: Now');
  second.reportError();
  await until(() => alert() === AGENT_FAILED);
  await sees('assistant: Hello there');
  await sees('assistant: Now');

  const third = await ask('Again');
  assert.equal(third.sessionId, first.sessionId);
  third.reportError();
  await until(() => alert()?.startsWith('{"error":"InternalError"'));
});
