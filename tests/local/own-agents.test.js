/** Agents of one's own behind the local run, as a new user has them: with each SDK, and with none. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AgentError, Conversation } from '../../examples/client/agents-client.js';
import { Agent } from './agent.js';
import { freePort, start, startAgent, startLocal, until } from './local.js';

const SERVERS = {
  Python: [process.env.AGENT_PYTHON, ['agents/python_sdk.py']],
  TypeScript: [process.execPath, ['agents/typescript_sdk.ts']],
  Plain: [process.env.AGENT_PYTHON, ['agents/plain.py']],
};

/** Whoever has no AWS has no files of it either. */
const NO_AWS = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' };

const stateOf = async (local, id) => (await (await fetch(`${local.url}local/info`)).json()).agents[id];

async function ask(conversation, prompt) {
  let text = '';
  for await (const event of conversation.send(prompt)) if (event.type === 'text') text += event.text;
  return text;
}

for (const [name, scheme] of [['Python', 'ws'], ['TypeScript', 'http'], ['Plain', 'ws']]) {
  test(`an agent of ${name} talks, goes and comes back`, async () => {
    const port = await freePort();
    const agent = await startAgent(port, ...SERVERS[name]);
    after(() => agent.stop('SIGKILL'));
    const local = await startLocal([`--agent`, `support=${scheme}://localhost:${port}/ws`], NO_AWS);
    after(() => local.stop());
    await until(() => local.seen.some(line => line.includes(`support at ws://localhost:${port}/ws`)), 'the greeting names it');
    const status = await (await fetch(`${local.url}api/agents/support/status`)).json();
    assert.equal(status.status, 'available');

    const talk = new Conversation('support', { baseUrl: local.url });
    assert.equal(await ask(talk, 'one'), `${name} says one, turn 1`);
    assert.equal(await ask(talk, 'two'), `${name} says two, turn 2`);
    const other = new Conversation('support', { baseUrl: local.url });
    assert.equal(await ask(other, 'one'), `${name} says one, turn 1`);

    await agent.stop('SIGKILL');
    const failed = ask(talk, 'lost');
    await until(async () => !(await stateOf(local, 'support')).reachable, 'it is seen that the agent is gone');
    const gone = await stateOf(local, 'support');
    assert.equal(gone.reachable, false);
    assert.match(gone.problem, /nothing listens there: is the agent running\?/);

    // The bridge tries again for as long as the agent cannot have seen the prompt.
    const again = await startAgent(port, ...SERVERS[name]);
    after(() => again.stop('SIGKILL'));
    assert.equal(await failed, `${name} says lost, turn 1`);
    assert.deepEqual(await stateOf(local, 'support'), {
      address: `ws://localhost:${port}/ws`,
      reachable: true,
      problem: null,
    });
  });
}

test('several agents, each with the message and the end of its configuration', async () => {
  const [one, two] = [await Agent.start(), await Agent.start()];
  const local = await startLocal([`--agent=one=${one.address}`, `--agent=the-other=${two.address}`], {
    ...NO_AWS,
    ONE_AGENT_MESSAGE: '{"inputText":"{prompt}","session_id":"{sessionId}"}',
    ONE_AGENT_REPLY_END: 'message',
    THE_OTHER_AGENT_DISPLAY_NAME: 'The Other One',
    LEFT_OUT_AGENT_ARN: 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Left_Out-k3Jx9QpL2a',
    // A key that AWS keeps is not fetched.
    SESSION_BINDING_KEY: 'arn:aws:ssm:us-east-1:123456789012:parameter/key',
  });
  after(async () => {
    await local.stop();
    await one.stop();
    await two.stop();
  });
  const { agents } = await (await fetch(`${local.url}api/agents`)).json();
  assert.deepEqual(agents.map(({ id, name }) => [id, name]), [['one', 'One'], ['the-other', 'The Other One']]);
  assert.ok(local.seen.some(line => line.includes('LEFT_OUT_AGENT_ARN')), 'it says what it leaves out');

  const talk = new Conversation('one', { baseUrl: local.url });
  const replied = ask(talk, 'Hi');
  const turn = await one.turn();
  assert.equal(turn.message.inputText, 'Hi');
  assert.equal(turn.headers['x-amzn-bedrock-agentcore-runtime-session-id'], turn.message.session_id);
  assert.equal(turn.headers.host, `127.0.0.1:${one.port}`);
  turn.send('All of it.');
  assert.equal(await replied, 'All of it.');
  assert.equal(await turn.closed, 1000);
});

test('an agent that has no WebSocket at its path is told apart from one that is not there', async () => {
  const agent = await Agent.start();
  const local = await startLocal([`--agent=lost=http://127.0.0.1:${agent.port}/elsewhere`], { ...NO_AWS, RETRY_MAX_RETRIES: '0' });
  after(async () => {
    await local.stop();
    await agent.stop();
  });
  const error = await ask(new Conversation('lost', { baseUrl: local.url }), 'Hi').catch(error => error);
  assert.ok(error instanceof AgentError);
  assert.deepEqual([error.status, error.phase], [503, 'handshake']);
  const { reachable, problem } = await stateOf(local, 'lost');
  assert.equal(reachable, true);
  assert.match(problem, /answered with 400|answered with 404/);
});

test('a mistake in --agent is named', async () => {
  const program = start(process.env.LOCAL_BINARY, ['--agent', 'support=localhost:8080'], { stderr: 'ignore' });
  const [code] = await program.gone;
  assert.equal(code, 2);
});
