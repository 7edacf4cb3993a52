/** One agent, and the ways to it that the tests share: as the local run, and behind a gateway. */

import { after } from 'node:test';
import { Agent } from '../../node/agent.js';
import { startFunction, startLocal } from '../../node/bridge.js';

export const EXPOSED = { EXPOSE_STEPS: 'tools,reasoning' };

export const agent = await Agent.start();
const started = [];

export async function local(variables = {}) {
  // What is refused stays so: the bridge asks once.
  const bridge = await startLocal(agent, { RETRY_MAX_RETRIES: '0', ...variables });
  started.push(bridge);
  return bridge;
}

/** The Lambda function, whose gateway has a stage in its paths. */
export async function lambda(variables = {}) {
  const bridge = await startFunction(agent, { RETRY_MAX_RETRIES: '0', ...variables });
  started.push(bridge);
  return { ...bridge, url: 'http://gateway/$default' };
}

after(async () => {
  for (const bridge of started) await bridge.stop();
  agent.stop();
});
