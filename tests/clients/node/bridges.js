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

/** The Lambda function behind a gateway that has a stage in its paths; its answers come whole. */
export async function lambda(variables = {}) {
  const own = { RETRY_MAX_RETRIES: '0', ...variables };
  const bridge = await startFunction(agent, own, 'http-api-stage.json');
  started.push(bridge);
  return { ...bridge, url: 'http://gateway/prod' };
}

/** The same with answers that come as they are told. */
export function streamingLambda(variables = {}) {
  return lambda({ INVOKE_MODE: 'response_stream', ...variables });
}

/** All of these. */
export const WAYS = [
  ['on the local run', local],
  ['whole, behind a gateway', lambda],
  ['streamed, behind a gateway', streamingLambda],
];

after(async () => {
  for (const bridge of started) await bridge.stop();
  agent.stop();
});
