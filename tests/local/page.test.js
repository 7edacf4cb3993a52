/** The page, as a person uses it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { Agent } from './agent.js';
import { DESKTOP, PHONE, open } from './browser.js';
import { startLocal, until } from './local.js';

const SCREENSHOTS = process.env.SCREENSHOTS;
mkdirSync(SCREENSHOTS, { recursive: true });

const agent = await Agent.start();
const emulated = await startLocal();
const own = await startLocal([`--agent=played=${agent.address}`], { CHUNK_TIMEOUT_MS: '2000' });
after(async () => {
  await emulated.stop();
  await own.stop();
  await agent.stop();
});

const openConnections = async () => (await (await fetch(`${emulated.url}local/info`)).json()).openConnections;

test('two turns are one conversation', async () => {
  const page = await open(emulated.url);
  const one = await page.askAndWait('Hello there');
  assert.equal(await one.locator('.reply').innerText(), 'You said: Hello there (turn 1 of this session)');
  const session = await page.session();
  assert.match(session, /^session-[0-9a-f-]{36}$/);
  const two = await page.askAndWait('And again');
  assert.equal(await two.locator('.reply').innerText(), 'You said: And again (turn 2 of this session)');
  assert.equal(await page.session(), session);
  await page.close();
});

test('a session is kept over a reload where that is wished, and a new one begins where that is', async () => {
  const page = await open(emulated.url);
  await page.askAndWait('One');
  await page.page.getByLabel('Keep it').check();
  await page.page.reload();
  const two = await page.askAndWait('Two');
  assert.match(await two.innerText(), /turn 2 of this session/);
  await page.page.getByRole('button', { name: 'New session' }).click();
  assert.equal(await page.session(), '');
  const first = await page.askAndWait('Three');
  assert.match(await first.innerText(), /turn 1 of this session/);
  await page.page.getByLabel('Keep it').uncheck();
  await page.page.reload();
  assert.equal(await page.session(), '');
  await page.close();
});

test('each agent has its status and its own conversation', async () => {
  const page = await open(emulated.url);
  await page.page.locator('.status.available').nth(12).waitFor();
  await page.askAndWait('To echo');
  await page.choose('Strands');
  assert.equal(await page.page.locator('section:not([hidden]) article').count(), 0);
  await page.askAndWait('To strands');
  await page.choose('Echo');
  assert.match(await page.page.locator('section:not([hidden]) article').innerText(), /To echo/);
  await page.close();
});

test('words show as they stream, and Stop ends the agent’s connection', async () => {
  const page = await open(emulated.url);
  await page.choose('Story');
  const turn = await page.ask('Tell me');
  await turn.getByText('Every evening').waitFor();
  assert.equal(await openConnections(), 1);
  await page.page.getByRole('button', { name: 'Stop' }).click();
  await page.over(turn);
  assert.match(await turn.innerText(), /Stopped/);
  assert.doesNotMatch(await turn.locator('.reply').innerText(), /what she had seen/);
  await until(async () => (await openConnections()) === 0, 'the emulator sees the close');
  await page.close();
});

test('Escape stops too, and the agent gets a close frame', async () => {
  const page = await open(own.url);
  const turn = await page.ask('Hi');
  const at = await agent.turn();
  at.send({ text: 'one word' });
  await turn.getByText('one word').waitFor();
  await page.page.keyboard.press('Escape');
  await page.over(turn);
  assert.equal(await at.closed, 1000);
  // The session goes on.
  const next = page.askAndWait('More');
  const more = await agent.turn();
  assert.equal(more.message.sessionId, at.message.sessionId);
  more.send({ text: 'yes' }, { type: 'done' });
  assert.equal(await (await next).locator('.reply').innerText(), 'yes');
  await page.close();
});

test('thinking and tools are steps that open', async () => {
  const page = await open(emulated.url);
  await page.choose('Weather');
  const turn = await page.askAndWait('Do I need an umbrella?');
  assert.match(await turn.locator('.reply').innerText(), /You will not need an umbrella/);
  const thoughts = turn.getByText('rather than guess.');
  assert.ok(!(await thoughts.first().isVisible()));
  await turn.getByText('Thinking', { exact: true }).click();
  assert.ok(await turn.locator('.thoughts').isVisible());
  await turn.getByText('Tool: get_weather').click();
  assert.match(await turn.locator('.step.tool').innerText(), /Lisbon[^]*clear/);
  await page.close();
});

test('other callers see no steps unless they are exposed', async () => {
  const body = JSON.stringify({ agentId: 'weather', prompt: 'Do I need an umbrella?' });
  const answer = await fetch(new URL('api/agents/invoke/stream', emulated.url), { method: 'POST', body });
  const text = await answer.text();
  assert.match(text, /"chunk"/);
  assert.doesNotMatch(text, /event: (reasoning|tool)/);
});

test('raw events and what was read from them stand side by side', async () => {
  const page = await open(own.url);
  const running = page.ask('Hi');
  const at = await agent.turn();
  const turn = await running;
  await turn.getByText('what was read from them').click();
  at.send({ init_event_loop: true }, { event: { contentBlockDelta: { delta: { text: 'Hello' }, contentBlockIndex: 0 } } });
  const rows = turn.locator('tbody tr.message');
  // Before the reply is over.
  await rows.nth(1).waitFor();
  at.send({ data: 'Hello', delta: { text: 'Hello' } }, { colour: 'blue' });
  at.close();
  await page.over(turn);
  await rows.nth(3).waitFor();
  const read = await rows.locator('td:nth-child(3)').allInnerTexts();
  assert.match(read[0], /Strands[^]*says nothing/);
  assert.match(read[1], /Bedrock Converse[^]*Hello/);
  assert.match(read[2], /Strands[^]*repeats[^]*Hello/);
  assert.match(read[3], /unread/);
  assert.match(await rows.nth(3).locator('td:nth-child(2)').innerText(), /\{"colour":"blue"\}/);
  assert.match(await turn.locator('tr.sent').innerText(), /"prompt":"Hi"/);
  await page.close();
});

test('a turn has its timing, and a curl line that sends the same', async () => {
  const page = await open(emulated.url);
  const turn = await page.askAndWait("It's here");
  const timing = await turn.getByRole('img').getAttribute('aria-label');
  for (const part of ['sign', 'connect', 'handshake', 'first', 'total']) {
    assert.match(timing, new RegExp(`${part} [\\d.]+ m?s`));
  }
  const next = await page.askAndWait("It's here");
  const line = await next.locator('.curl code').textContent();
  const script = `curl() { printf '%s\\0' "$@"; }; ${line}`;
  const [options, url, d, body] = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0');
  assert.deepEqual([options, d], ['-sN', '-d']);
  const answer = await (await fetch(url, { method: 'POST', body })).text();
  assert.match(answer, /It's here[^]*turn 3 of this session/);
  await page.close();
});

test('an error before the first word says what, when, whether to try again, which request, and what to do', async () => {
  const page = await open(emulated.url);
  await page.choose('Error First');
  const turn = await page.askAndWait('Hi');
  const alert = await turn.getByRole('alert').innerText();
  assert.match(alert, /the agent reported an error/);
  assert.match(alert, /InternalError, 500[^]*waiting for the first word[^]*may have run[^]*raw events/);
  assert.match(alert, /[0-9a-f]{8}-[0-9a-f]{4}-/);
  assert.equal(await turn.locator('.reply').innerText(), '');
  await page.close();
});

test('an error after the first word leaves what came, and the agent’s own words are among the raw events', async () => {
  const page = await open(emulated.url);
  await page.choose('Sdk Error');
  const turn = await page.askAndWait('Hi');
  assert.equal((await turn.locator('.reply').innerText()).trim(), 'Let me look that up.');
  assert.match(await turn.getByRole('alert').innerText(), /InternalError[^]*reading the reply/);
  await turn.getByText('what was read from them').click();
  await turn.getByText('the tool did not answer').first().waitFor();
  await turn.getByRole('button', { name: 'Send it again' }).click();
  await page.page.locator('section:not([hidden]) article').nth(1).waitFor();
  await page.close();
});

test('with the real service behind it, an error says what AWS wants', async () => {
  // Nothing listens there, as where a network lets nobody out.
  const nowhere = 'http://127.0.0.1:1';
  const local = await startLocal([], {
    SUPPORT_AGENT_ARN: 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Support-k3Jx9QpL2a',
    TOKENS_AGENT_ARN: 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Tokens-k3Jx9QpL2a',
    TOKENS_AGENT_AUTH: 'caller',
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: nowhere,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: nowhere,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    RETRY_MAX_RETRIES: '0',
  });
  after(() => local.stop());
  const page = await open(local.url);
  assert.match(await page.page.locator('#behind').innerText(), /real Bedrock AgentCore Runtime/);
  await page.choose('Support');
  const unreachable = await page.askAndWait('Hi');
  assert.match(
    await unreachable.getByRole('alert').innerText(),
    /ServiceUnavailableError, 503[^]*connecting[^]*Connection refused[^]*safe[^]*cargo local doctor/,
  );
  // An agent that takes its callers' own token is asked with the page's.
  await page.choose('Tokens');
  const refused = await page.askAndWait('Hi');
  assert.match(await refused.getByRole('alert').innerText(), /AuthenticationError, 401[^]*needs one below/);
  await page.page.getByText('Bearer token', { exact: true }).click();
  await page.page.getByLabel(/callers’ own/).fill('SECRET-TOKEN');
  const asked = await page.askAndWait('Hi');
  assert.match(await asked.getByRole('alert').innerText(), /ServiceUnavailableError, 503/);
  const line = await asked.locator('.curl code').textContent();
  assert.ok(line.includes('-H "authorization: Bearer $TOKEN"') && !line.includes('SECRET'), line);
  await page.close();
});

test('nothing that an agent sends can run, or break the page', async () => {
  const long = 'w'.repeat(20_000);
  const markup = '<img src=x onerror="window.ran = 1"><script>window.ran = 1</script><iframe src="https://evil.example"></iframe>';
  const page = await open(own.url, { viewport: PHONE });
  const running = page.ask(markup);
  const at = await agent.turn();
  const hostile = `${markup} \u202e ${long} </p><style>body{display:none}</style>`;
  at.send(
    { type: 'REASONING_MESSAGE_CONTENT', messageId: 'r', delta: hostile },
    { type: 'TOOL_CALL_START', toolCallId: '__proto__', toolCallName: hostile },
    { type: 'TOOL_CALL_ARGS', toolCallId: '__proto__', delta: JSON.stringify({ [hostile]: hostile }) },
    { type: 'TOOL_CALL_END', toolCallId: '__proto__' },
    { type: 'TOOL_CALL_RESULT', toolCallId: '__proto__', content: hostile },
    { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta: hostile },
    { type: 'RUN_FINISHED' },
    '[DONE]',
  );
  const turn = await running;
  await page.over(turn);
  for (const summary of await turn.locator('summary').all()) await summary.click();
  await turn.locator('tbody tr.message').nth(5).waitFor();
  assert.ok((await turn.locator('.reply').textContent()).includes(hostile), 'it is shown as text');
  const found = await page.page.evaluate(() => ({
    ran: window.ran === undefined ? 'nothing' : 'a script',
    foreign: document.querySelectorAll('iframe, img, article script, article style').length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  assert.deepEqual(found, { ran: 'nothing', foreign: 0, overflow: 0 });
  await page.close();
});

test('the page’s own policy forbids markup and foreign scripts', async () => {
  const { headers } = await fetch(emulated.url);
  const policy = headers.get('content-security-policy');
  for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  const page = await open(emulated.url);
  const refused = await page.page.evaluate(() => {
    try {
      document.body.innerHTML = '<b>markup</b>';
      return false;
    } catch {
      return true;
    }
  });
  assert.ok(refused);
  // Chromium says so on the console too.
  page.problems.length = 0;
  await page.close();
});

test('the client works in a browser by itself', async () => {
  const page = await open(emulated.url);
  const seen = await page.page.evaluate(async () => {
    const { AgentError, Conversation } = await import('./agents-client.js');
    const text = async events => {
      let all = '';
      for await (const event of events) if (event.type === 'text') all += event.text;
      return all;
    };
    const echo = new Conversation('echo');
    const replies = [await text(echo.send('One')), await text(echo.send('Two'))];
    const failed = await text(new Conversation('error-first').send('Hi')).catch(error => error);
    const abort = new AbortController();
    const stopping = new Conversation('story').send('Hi', { signal: abort.signal });
    await stopping.next();
    abort.abort('enough');
    const stopped = await stopping.next().catch(reason => reason);
    return { replies, failed: [failed instanceof AgentError, failed.code, failed.phase], stopped };
  });
  assert.deepEqual(seen, {
    replies: ['You said: One (turn 1 of this session)', 'You said: Two (turn 2 of this session)'],
    failed: [true, 'InternalError', 'first_chunk'],
    stopped: 'enough',
  });
  await until(async () => (await openConnections()) === 0, 'the emulator sees the close');
  await page.close();
});

test('the keyboard alone is enough', async () => {
  const page = await open(emulated.url);
  const { keyboard } = page.page;
  const focused = () => page.page.evaluate(() => document.activeElement.id || document.activeElement.value);
  assert.equal(await focused(), 'prompt');
  await keyboard.press('Shift+Tab');
  assert.equal(await focused(), 'echo');
  await keyboard.press('ArrowDown');
  assert.equal(await focused(), 'error-first');
  await keyboard.press('ArrowUp');
  await keyboard.press('Tab');
  await keyboard.type('one');
  await keyboard.press('Shift+Enter');
  await keyboard.type('two');
  await keyboard.press('Enter');
  const turn = page.page.locator('section:not([hidden]) article');
  await page.over(turn);
  assert.match(await turn.locator('.reply').innerText(), /one\ntwo/);
  await page.close();
});

test('the picture of the documents', async () => {
  const page = await open(emulated.url, { viewport: { width: 1200, height: 860 }, reducedMotion: 'reduce' });
  await page.page.locator('.status.available').nth(12).waitFor();
  await page.choose('Weather');
  const turn = await page.askAndWait('Do I need an umbrella in Lisbon?');
  await turn.getByText('what was read from them').click();
  const repeats = turn.locator('.tag.repeat').last();
  await repeats.waitFor();
  await turn.locator('.scroll').evaluate(scroll => (scroll.scrollTop = scroll.scrollHeight * 0.62));
  await page.page.evaluate(() => scrollTo(0, 0));
  await page.page.screenshot({ path: `${SCREENSHOTS}/page.png` });
  await page.close();
});

for (const [name, look] of Object.entries({
  light: { viewport: DESKTOP },
  dark: { viewport: DESKTOP, colorScheme: 'dark' },
  phone: { viewport: PHONE, isMobile: true, hasTouch: true },
})) {
  test(`it looks as it should, ${name}, and axe-core finds nothing`, async () => {
    // axe-core makes elements of markup, which the page's policy forbids.
    const page = await open(emulated.url, { ...look, reducedMotion: 'reduce', bypassCSP: true });
    await page.page.locator('.status.available').nth(12).waitFor();
    await page.choose('Weather');
    const turn = await page.askAndWait('Do I need an umbrella in Lisbon?');
    await turn.getByText('Thinking', { exact: true }).click();
    await turn.getByText('Tool: get_weather').click();
    await turn.getByText('what was read from them').click();
    await turn.locator('tbody tr').nth(20).waitFor();
    await turn.locator('.scroll').evaluate(scroll => (scroll.scrollTop = scroll.scrollHeight / 1.6));
    await page.page.evaluate(() => scrollTo(0, 0));
    await page.page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
    assert.deepEqual(await page.violations(), []);
    await turn.getByText('The same with curl').click();
    await page.choose('Error First');
    await page.askAndWait('Hi');
    await page.page.screenshot({ path: `${SCREENSHOTS}/${name}-error.png` });
    assert.deepEqual(await page.violations(), []);
    const overflow = await page.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `it is ${overflow} px too wide`);
    await page.close();
  });
}
