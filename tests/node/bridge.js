/** The bridge in front of an agent: as the local run, and as a Lambda function. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** Where the AI SDK's stream is to be had. */
export const PATH = '/api/agents/invoke/stream?format=ai-sdk';

/** What the bridge tells a caller whose agent failed. */
export const AGENT_FAILED = 'the agent reported an error';
export const AGENT_LOST = 'the connection to the agent was lost';

const CAPTURED_EVENTS = new URL('../events/', import.meta.url);

/** What stands between the beginning of a streamed response and its body. */
const SEPARATOR = Buffer.alloc(8);

function variables(agent) {
  return {
    ECHO_AGENT_ARN: 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Echo-Abcdef1234',
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: agent.endpoint,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
}

const children = [];
process.on('exit', () => children.forEach(child => child.kill()));

/** A program that sees the given variables alone, and no `.env`. */
function start(variable, options, env) {
  const binary = process.env[variable];
  if (!binary) throw new Error(`${variable} is not set: tests/node/run sets it`);
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(binary, options, { env, stdio, cwd: import.meta.dirname });
  children.push(child);
  return child;
}

async function stop(child) {
  const gone = once(child, 'exit');
  if (child.exitCode === null && child.signalCode === null && child.kill()) await gone;
}

/** The local run, with an emulator of its own where there is no agent: its address, and how to stop it. */
export async function startLocal(agent, more = {}) {
  const own = agent ? variables(agent) : {};
  const child = start('LOCAL_BINARY', ['--port', '0'], { ...own, ...more });
  const url = await new Promise((resolve, reject) => {
    createInterface(child.stdout)
      .on('line', line => {
        const address = /listens on (http:\S+)/.exec(line);
        if (address) resolve(address[1]);
      })
      .on('close', () => reject(new Error('the local run ended before it listened')));
    child.on('error', reject);
  });
  return { url, stop: () => stop(child) };
}

/**
 * The Lambda function behind a Runtime API. Its `fetch` is one that a gateway answers: a request
 * becomes an event like the captured one, and the function's response an answer, which comes as it
 * is told with `INVOKE_MODE=response_stream`, else whole.
 */
export async function startFunction(agent, more = {}, captured = 'http-api.json') {
  const invocations = new Invocations();
  const api = createServer((request, response) => invocations.serve(request, response));
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  const child = start('BRIDGE_BINARY', [], {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${api.address().port}`,
    AWS_LAMBDA_FUNCTION_NAME: 'bridge',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    ...variables(agent),
    ...more,
  });
  child.stdout.resume();
  return {
    async fetch(url, { method = 'GET', body, headers: sent, signal } = {}) {
      const { pathname, search } = new URL(url, 'http://gateway');
      const event = JSON.parse(readFileSync(new URL(captured, CAPTURED_EVENTS)));
      Object.assign(event, { rawPath: pathname, rawQueryString: search.slice(1), body });
      Object.assign(event.headers, Object.fromEntries(new Headers(sent)));
      Object.assign(event.requestContext.http, { method, path: pathname });
      const answer = await invocations.invoke(event);
      const { statusCode: status, headers } = answer;
      signal?.addEventListener('abort', () => answer.leave?.(signal.reason));
      return new Response(answer.body, { status, headers });
    },
    async stop() {
      await stop(child);
      api.closeAllConnections();
      api.close();
    },
  };
}

/** What a Runtime API knows: events that wait to be fetched, and who waits for their responses. */
class Invocations {
  #events = [];
  #answers = [];
  #wake = () => {};

  invoke(event) {
    const { promise, ...answer } = Promise.withResolvers();
    this.#events.push(event);
    this.#answers.push(answer);
    this.#wake();
    return promise;
  }

  /** A function asks for the next event only when it has answered the one before. */
  async serve(request, response) {
    if (request.url.endsWith('/invocation/next')) {
      if (!this.#events.length) await new Promise(wake => (this.#wake = wake));
      response.writeHead(200, {
        'lambda-runtime-aws-request-id': crypto.randomUUID(),
        'lambda-runtime-deadline-ms': `${Date.now() + 30_000}`,
        'lambda-runtime-invoked-function-arn':
          'arn:aws:lambda:us-east-1:123456789012:function:bridge',
      });
      response.end(JSON.stringify(this.#events.shift()));
      return;
    }
    const { resolve, reject } = this.#answers.shift();
    if (request.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      request.on('end', () => response.writeHead(202).end());
      resolve(await streamed(request));
      return;
    }
    const body = await text(request);
    response.writeHead(202).end();
    if (request.url.endsWith('/response')) resolve(JSON.parse(body));
    else reject(new Error(`a function error: ${body}`));
  }
}

/** A response whose body is under way. Lambda drops the connection for a caller that leaves. */
async function streamed(request) {
  const parts = request[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (!head.includes(SEPARATOR)) head = Buffer.concat([head, (await parts.next()).value]);
  const end = head.indexOf(SEPARATOR);
  const body = new ReadableStream({
    // A gateway reads as much as there is, also where nobody waits for it.
    async start(body) {
      body.enqueue(head.subarray(end + SEPARATOR.length));
      for await (const part of parts) body.enqueue(part);
      body.close();
    },
    cancel: () => void request.destroy(),
  });
  return {
    ...JSON.parse(head.subarray(0, end)),
    body,
    leave: reason => void request.destroy(reason),
  };
}
