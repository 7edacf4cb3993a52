/**
 * `cargo local doctor` as a person and a script have it: against moto as AWS, against agents on an SDK, and
 * with each failure of these made to happen. Those of the runtime itself are made in `examples/local/doctor/tests.rs`.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { Agent } from './agent.js';
import { freePort, startAgent, startUntil } from './local.js';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const NO_AWS = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' };

const agent = await Agent.start();
const moto = await startUntil(process.env.AGENT_PYTHON, ['agents/moto_account.py'], /^(\{.*\})$/, {
  stdin: 'pipe',
  stderr: 'ignore',
});
const account = JSON.parse(moto.found[1]);
after(async () => {
  await moto.stop('SIGKILL');
  await agent.stop();
});

/** Runs the doctor. Gives its exit status, what it printed, and where that is JSON its findings. */
function doctor(options, env = {}, { command = process.env.LOCAL_BINARY, before = [] } = {}) {
  const { promise, resolve } = Promise.withResolvers();
  const { PATH } = process.env;
  execFile(command, [...before, 'doctor', ...options], { env: { PATH, ...NO_AWS, ...env }, cwd: import.meta.dirname }, (error, stdout) => {
    const report = options.includes('--json') ? JSON.parse(stdout) : undefined;
    const find = check => report.findings.filter(finding => finding.check === check);
    resolve({ status: error?.code ?? 0, stdout, report, find });
  });
  return promise;
}

const behindMoto = {
  ...KEYS,
  ECHO_AGENT_ARN: account.arn,
  AWS_ENDPOINT_URL_STS: account.endpoint,
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: account.endpoint,
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: account.endpoint,
};

test('moto says who the credentials are, what time it is, and that the endpoint is ready', async () => {
  const { find } = await doctor(['--json'], { ...behindMoto, ECHO_AGENT_QUALIFIER: 'prod' });
  assert.match(find('identity')[0].what, /^arn:aws:sts::123456789012:/);
  assert.ok(find('clock').length > 0 && find('clock').every(({ outcome }) => outcome === 'ok'));
  assert.deepEqual(find('status').map(({ subject, outcome, what }) => [subject, outcome, what]), [['echo', 'ok', 'READY']]);
  // moto has no data plane.
  assert.equal(find('handshake')[0].outcome, 'failure');
});

test('an endpoint that is not there is a failure with its command', async () => {
  const { find, status } = await doctor(['--json'], { ...behindMoto, ECHO_AGENT_QUALIFIER: 'prd' });
  const [{ outcome, mend }] = find('status');
  assert.equal(outcome, 'failure');
  assert.match(mend, /list-agent-runtime-endpoints --agent-runtime-id \S+ --region us-east-1/);
  assert.equal(status, 1);
});

test('a key that AWS keeps is read, or the policy is given that lets it be', async () => {
  const stores = { ...behindMoto, AWS_ENDPOINT_URL_SECRETS_MANAGER: account.endpoint };
  const { find } = await doctor(['--json'], { ...stores, SESSION_BINDING_KEY: account.key });
  assert.deepEqual(find('key').map(({ outcome }) => outcome), ['ok']);
  const missing = await doctor(['--json'], { ...stores, SESSION_BINDING_KEY: account.key.replace(':key-', ':nokey-') });
  const [{ outcome, mend }] = missing.find('key');
  assert.equal(outcome, 'failure');
  assert.match(mend, /"Action":\["secretsmanager:GetSecretValue"\][^]*"arn:aws:secretsmanager:/);
});

test('without credentials it says how to get some', async () => {
  const { find, status } = await doctor(['--json'], { ...behindMoto, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
  assert.equal(find('credentials')[0].outcome, 'failure');
  assert.match(find('credentials')[0].mend, /aws sso login/);
  assert.equal(status, 1);
});

/** An STS that refuses, at a time of its own. */
async function sts(code, date = new Date()) {
  const server = createServer((_, response) => {
    response.writeHead(403, { date: date.toUTCString() });
    response.end(`<ErrorResponse><Error><Code>${code}</Code><Message>SECRET</Message></Error></ErrorResponse>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return { ...behindMoto, AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${server.address().port}` };
}

for (const [code, mend] of [
  ['ExpiredToken', /aws sso login/],
  ['InvalidClientTokenId', /AWS_ACCESS_KEY_ID/],
  ['SignatureDoesNotMatch', /AWS_SECRET_ACCESS_KEY/],
]) {
  test(`credentials that STS refuses with ${code} are a failure`, async () => {
    const { find, stdout } = await doctor(['--json'], await sts(code));
    assert.equal(find('identity')[0].outcome, 'failure');
    assert.match(find('identity')[0].mend, mend);
    assert.doesNotMatch(stdout, /SECRET"/);
  });
}

test('a clock that is an hour off is a failure', async () => {
  const { find } = await doctor(['--json'], await sts('SignatureDoesNotMatch', new Date(Date.now() - 3_600_000)));
  const failed = find('clock').find(({ outcome }) => outcome === 'failure');
  assert.match(failed.what, /3[56]\d\d s ahead of the service's/);
  assert.match(failed.mend, /timedatectl/);
});

for (const [name, command, file] of [
  ['Python', process.env.AGENT_PYTHON, 'agents/python_sdk.py'],
  ['TypeScript', process.execPath, 'agents/typescript_sdk.ts'],
]) {
  test(`an agent on the ${name} SDK is well, asked or not`, async () => {
    const port = await freePort();
    const running = await startAgent(port, command, [file]);
    after(() => running.stop('SIGKILL'));
    const { status, report, find } = await doctor(['--json', '--agent', `mine=ws://localhost:${port}/ws`, '--ask', 'Hi']);
    assert.equal(status, 0, JSON.stringify(report));
    assert.equal(report.ok, true);
    assert.match(find('prompt')[0].what, /a reply of \d+ characters in 2 pieces/);
    const silent = await doctor(['--json', '--agent', `mine=ws://localhost:${port}/ws`]);
    assert.deepEqual(silent.find('prompt'), []);

    const lost = await doctor(['--json', '--agent', `mine=ws://localhost:${port}/elsewhere`]);
    assert.equal(lost.status, 1);
    assert.match(lost.find('handshake')[0].what, /the handshake was answered with 40[0-9]/);
    await running.stop('SIGKILL');
    const gone = await doctor(['--json', '--agent', `mine=ws://localhost:${port}/ws`]);
    assert.match(gone.find('handshake')[0].what, /nothing listens there/);
    assert.match(gone.find('handshake')[0].mend, /start the agent/);
  });
}

test('an agent that answers nothing that is read says so', async () => {
  const asked = doctor(['--json', '--ask', 'Hi', '--agent', `mine=${agent.address}`]);
  const turn = await agent.turn();
  assert.equal(turn.message.prompt, 'Hi');
  turn.send({ colour: 'blue' }, { colour: 'red' });
  turn.close();
  const { find, status } = await asked;
  assert.equal(status, 1);
  assert.match(find('prompt')[0].what, /empty: 2 messages, 2 of them unread/);
});

test('it has colours on a terminal, and nowhere else', async () => {
  const options = ['--agent', `mine=${agent.address}`];
  const piped = await doctor(options);
  assert.equal(piped.status, 0, piped.stdout);
  assert.doesNotMatch(piped.stdout, /\x1b/);
  assert.match(piped.stdout, /^ok {7}handshake mine: taken/m);
  const script = 'import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const terminal = { command: process.env.AGENT_PYTHON, before: ['-c', script, process.env.LOCAL_BINARY] };
  assert.match((await doctor(options, { TERM: 'xterm' }, terminal)).stdout, /\x1b\[32mok/);
  assert.doesNotMatch((await doctor(options, { TERM: 'xterm', NO_COLOR: '1' }, terminal)).stdout, /\x1b/);
});

test('without any agent it says how to name one, and a mistake is not a finding', async () => {
  const { status, find } = await doctor(['--json']);
  assert.equal(status, 1);
  assert.match(find('configuration')[0].mend, /_AGENT_ARN=[^]*--agent/);
  assert.equal((await doctor(['--jsn'])).status, 2);
});
