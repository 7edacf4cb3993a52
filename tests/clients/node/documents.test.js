/** The snippets of docs/clients.md do what they are there for. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readUIMessageStream } from 'ai';
import { Constants, configSchema } from 'librechat-data-provider';
import OpenAI from 'openai';
import { parse } from 'yaml';
import { startLocal } from '../../node/bridge.js';
import { transport } from '../../node/chat.js';
import { EXPOSED, agent, local } from './bridges.js';
import { python } from './python.js';
import { CALL, REASONING, RESULT, STEPS, TEXTS } from './steps.js';

const DOCUMENT = join(import.meta.dirname, '../../../docs/clients.md');
const ADDRESS = 'http://127.0.0.1:3000';
/** Beside the packages, so that the snippets find them. */
const SCRATCH = join(realpathSync(join(import.meta.dirname, 'node_modules')), '../snippets');

rmSync(SCRATCH, { recursive: true, force: true });
mkdirSync(SCRATCH);

const emulated = await startLocal();
const bridge = await local();
const exposed = await local(EXPOSED);
after(() => emulated.stop());

/** The document's blocks of code, and which of them a test has run. */
const fenced = /^```(\w+)\n(.*?)^```$/gms;
const blocks = Array.from(readFileSync(DOCUMENT, 'utf8').matchAll(fenced), ([, language, code]) => ({
  language,
  code,
  isRun: false,
}));

/** The one block of a language with these words in it, for another address than its own. */
function snippet(language, words, url) {
  const found = blocks.filter(block => block.language === language && block.code.includes(words));
  assert.equal(found.length, 1, `${DOCUMENT} has one ${language} block with ${words}`);
  found[0].isRun = true;
  const { code } = found[0];
  assert.equal(code.includes(ADDRESS), url !== undefined);
  return code.replaceAll(ADDRESS, url);
}

function inScratch(name, code) {
  const path = join(SCRATCH, name);
  writeFileSync(path, code);
  return path;
}

// Each of them says this in the same session.
let turns = 0;
const said = () => `You said: Hi (turn ${++turns} of this session)`;

test("OpenAI's client in Python", () => {
  const path = inScratch('snippet.py', snippet('python', 'OpenAI(', emulated.url));
  const run = () => execFileSync(python, [path], { encoding: 'utf8' });
  assert.equal(run(), said());
  assert.equal(run(), said());
});

for (const [what, words] of [
  ["OpenAI's client", 'new OpenAI('],
  ["AG-UI's client", 'new HttpAgent('],
]) {
  test(what, () => {
    const path = inScratch(`${words.split(/\W/)[1]}.mjs`, snippet('js', words, emulated.url));
    const run = () => execFileSync(process.execPath, [path], { encoding: 'utf8' });
    assert.equal(run(), said());
    assert.equal(run(), said());
  });
}

test("the AI SDK's parts", async () => {
  const path = inScratch('shown.mjs', snippet('js', 'shown('));
  const { shown } = await import(pathToFileURL(path));
  const messages = [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Weather?' }] }];
  const url = `${exposed.url}/api/agents/invoke/stream?format=ai-sdk`;
  const sent = transport(url).sendMessages({ messages });
  const turn = await agent.turn();
  turn.send(...STEPS);
  turn.close();
  const states = await Array.fromAsync(readUIMessageStream({ stream: await sent }));
  const lines = states.at(-1).parts.map(shown).filter(line => line !== undefined);
  assert.equal(lines.length, 4);
  assert.equal(lines[0], `(${REASONING})`);
  assert.equal(lines[1], TEXTS[0]);
  assert.ok(lines[2].startsWith(`${CALL.name} ${JSON.stringify(CALL.input)}: `));
  assert.ok(lines[2].includes(RESULT));
  assert.equal(lines[3], TEXTS[1]);
});

/** Two turns of a conversation as a chat UI has it: all of it each time, and its id in a header. */
async function converse({ baseURL, apiKey, headers, placeholder }) {
  const id = crypto.randomUUID();
  assert.ok(JSON.stringify(headers).includes(placeholder));
  const filled = Object.entries(headers).map(([name, value]) => [
    name,
    value.replaceAll(placeholder, id),
  ]);
  const client = new OpenAI({
    baseURL,
    apiKey,
    maxRetries: 0,
    defaultHeaders: Object.fromEntries(filled),
  });
  const models = await Array.fromAsync(await client.models.list());
  assert.deepEqual(
    models.map(({ id }) => id),
    ['echo'],
  );
  const messages = [];
  for (const prompt of ['Hi', 'And now?']) {
    messages.push({ role: 'user', content: prompt });
    const asked = client.chat.completions.create({ model: 'echo', messages });
    const turn = await agent.turn();
    assert.deepEqual(turn.message, { prompt, sessionId: id });
    turn.answer('Hello');
    const [{ message }] = (await asked).choices;
    messages.push(message);
  }
}

test('Open WebUI', async () => {
  const script = snippet('sh', 'OPENAI_API_CONFIGS', bridge.url);
  const bash = ['--norc', '-euc', `${script}\nenv --null`];
  const printed = execFileSync('bash', bash, { env: { PATH: process.env.PATH }, encoding: 'utf8' });
  const set = Object.fromEntries(printed.split('\0').map(line => line.split(/=(.*)/s, 2)));
  const offered = Object.entries(set).filter(([name]) => name.startsWith('ENABLE_'));
  assert.ok(offered.length >= 3);
  assert.ok(offered.every(([, value]) => value === 'false'));
  await converse({
    baseURL: set.OPENAI_API_BASE_URL,
    apiKey: set.OPENAI_API_KEY,
    headers: JSON.parse(set.OPENAI_API_CONFIGS)['0'].headers,
    placeholder: '{{CHAT_ID}}',
  });
});

test('LibreChat', async () => {
  const config = parse(snippet('yaml', 'endpoints:', bridge.url));
  // A setting that LibreChat does not know would be left out of what it has read.
  assert.deepEqual(configSchema.parse(config).endpoints, config.endpoints);
  assert.equal(config.version, Constants.CONFIG_VERSION);
  const [endpoint] = config.endpoints.custom;
  assert.equal(endpoint.titleConvo, false);
  await converse({ ...endpoint, placeholder: '{{LIBRECHAT_BODY_CONVERSATIONID}}' });
});

test('no snippet is left out', () => {
  assert.deepEqual(
    blocks.filter(({ isRun }) => !isRun),
    [],
  );
});
