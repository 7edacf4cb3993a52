/** An agent that speaks AG-UI itself, on the official Python SDK, with AG-UI's clients in front of it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createInterface } from 'node:readline';
import { SECRET } from '../../node/agent.js';
import { AGENT_FAILED, startFunction, startLocal } from '../../node/bridge.js';
import { CLIENTS, Client, textOf, typesOf } from './ag_ui.js';
import { python } from './python.js';

const PATH = '/api/agents/echo/ag-ui';
const AGENT = join(import.meta.dirname, '../python/ag_ui_agent.py');
const TOOL = {
  name: 'show_map',
  description: 'Shows a map.',
  parameters: { type: 'object', properties: { said: { type: 'string' } } },
};

const stack = join(import.meta.dirname, '../../stack');
const child = spawn(python, [AGENT], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: { ...process.env, PYTHONPATH: stack, PYTHONDONTWRITEBYTECODE: '1' },
});
const [endpoint] = await once(createInterface(child.stdout), 'line');

const variables = { ECHO_AGENT_MESSAGE: 'ag-ui', RETRY_MAX_RETRIES: '0' };
const streaming = { ...variables, INVOKE_MODE: 'response_stream' };
const local = await startLocal({ endpoint }, variables);
const whole = await startFunction({ endpoint }, variables);
const streamed = await startFunction({ endpoint }, streaming);

after(async () => {
  for (const bridge of [local, whole, streamed]) await bridge.stop();
  child.stdin.end();
});

for (const [version, HttpAgent] of Object.entries(CLIENTS)) {
  for (const [way, bridge] of [
    ['on the local run', local],
    ['whole, behind a gateway', { url: 'http://gateway', ...whole }],
    ['streamed, behind a gateway', { url: 'http://gateway', ...streamed }],
  ]) {
    describe(`@ag-ui/client ${version}, ${way}`, () => {
      const client = more =>
        new Client(HttpAgent, bridge.url + PATH, { fetch: bridge.fetch, ...more });

      test("the frontend's tool is called, and its answer is told", async () => {
        const threadId = `thread ${version} ${way}`;
        const one = client({ threadId, initialState: { page: 'home' } });
        const first = await one.ask('Where?', { tools: [TOOL], runId: 'run-1' });
        assert.deepEqual(typesOf(one.events), [
          'RUN_STARTED',
          'STATE_SNAPSHOT',
          'TOOL_CALL_START',
          'TOOL_CALL_ARGS',
          'TOOL_CALL_END',
          'CUSTOM',
          'RUN_FINISHED',
        ]);
        // The caller's ids, though the agent knows its session by another name.
        assert.equal(first.finished.threadId, threadId);
        assert.equal(first.finished.runId, 'run-1');
        const { page, thread } = one.agent.state;
        assert.equal(page, 'home');
        assert.notEqual(thread, threadId);
        const [{ toolCalls }] = first.messages;
        assert.equal(toolCalls[0].function.name, TOOL.name);
        assert.deepEqual(JSON.parse(toolCalls[0].function.arguments), { said: 'Where?' });

        one.agent.addMessage({
          id: 'result-1',
          role: 'tool',
          toolCallId: toolCalls[0].id,
          content: 'the map is shown',
        });
        const second = await one.run({ tools: [TOOL], runId: 'run-2' });
        assert.equal(second.error, undefined);
        assert.equal(textOf(second.messages), 'tool: the map is shown');
        assert.equal(one.agent.state.thread, thread);
      });

      test('a failure has our words', async () => {
        const one = client();
        const { error, messages } = await one.ask('fail');
        assert.equal(error.message, AGENT_FAILED);
        assert.equal(error.code, 'InternalError');
        assert.equal(textOf(messages), 'user: fail');
        assert.ok(!JSON.stringify(one.events).includes(SECRET));
      });
    });
  }
}
