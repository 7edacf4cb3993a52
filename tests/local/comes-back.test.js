/** The page with an agent of one's own that is restarted, as its developer does all day. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Agent } from './agent.js';
import { open } from './browser.js';
import { startLocal } from './local.js';

test('the page sees that an agent is gone and back, says why a prompt failed, and goes on', async () => {
  let agent = await Agent.start();
  const { port, address } = agent;
  const local = await startLocal([`--agent=mine=${address}`], { RETRY_MAX_RETRIES: '0' });
  after(() => local.stop());
  const page = await open(local.url);
  const status = page.page.locator('.status');
  await status.and(page.page.getByText('available', { exact: true })).waitFor();
  assert.equal(await page.page.locator('#about').innerText(), `Mine · ${address}`);

  await agent.stop();
  const failed = await page.askAndWait('Are you there?');
  const alert = await failed.getByRole('alert').innerText();
  assert.match(alert, /ServiceUnavailableError, 503/);
  assert.ok(alert.includes(`${address}: nothing listens there`), alert);
  assert.match(alert, /Trying again is safe[^]*Start the agent/);
  await status.and(page.page.getByText('unavailable')).waitFor();

  agent = await Agent.start(port);
  after(() => agent.stop());
  await status.and(page.page.getByText('available', { exact: true })).waitFor();
  await failed.getByRole('button', { name: 'Send it again' }).click();
  const turn = await agent.turn();
  assert.equal(turn.message.prompt, 'Are you there?');
  turn.send({ text: 'Now I am' }, { type: 'done' });
  await page.page.getByText('Now I am').first().waitFor();
  await page.close();
});

test('a prompt that is sent while the agent restarts waits for it', async () => {
  let agent = await Agent.start();
  const { port, address } = agent;
  const local = await startLocal([`--agent=mine=${address}`]);
  after(() => local.stop());
  const page = await open(local.url);
  await agent.stop();
  const turn = await page.ask('Hello');
  await turn.getByText(/Again in/).waitFor();
  agent = await Agent.start(port);
  after(() => agent.stop());
  const at = await agent.turn();
  at.send({ text: 'Here again' }, { type: 'done' });
  await page.over(turn);
  assert.equal(await turn.locator('.reply').innerText(), 'Here again');
  await page.close();
});
