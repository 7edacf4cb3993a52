/** The local run as a process, and how to talk with it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const children = new Set();
process.on('exit', () => children.forEach(child => child.kill('SIGKILL')));

/** Starts a program; its lines go to `onLine`. It sees the given variables alone. */
export function start(command, options, { env = {}, onLine = () => {}, cwd = import.meta.dirname, stdin = 'ignore', stderr = 'inherit' } = {}) {
  const { PATH, HOME } = process.env;
  const child = spawn(command, options, { env: { PATH, HOME, ...env }, stdio: [stdin, 'pipe', stderr], cwd });
  children.add(child);
  const gone = once(child, 'exit').finally(() => children.delete(child));
  const lines = createInterface(child.stdout).on('line', onLine);
  return {
    lines,
    gone,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await gone;
    },
  };
}

/** Starts a program and waits for a line that matches. */
export async function startUntil(command, options, pattern, more = {}) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const seen = [];
  const onLine = line => {
    seen.push(line);
    const found = pattern.exec(line);
    if (found) resolve(found);
  };
  const program = start(command, options, { ...more, onLine });
  program.gone.then(() => reject(new Error(`${command} ended before it was ready:\n${seen.join('\n')}`)), reject);
  return { ...program, seen, found: await promise };
}

/** The local run on a free port. */
export async function startLocal(options = [], env = {}) {
  const binary = process.env.LOCAL_BINARY;
  if (!binary) throw new Error('LOCAL_BINARY is not set: tests/local/run sets it');
  const program = await startUntil(binary, ['--port', '0', ...options], /page to try it: (http:\S+)/, { env });
  return { ...program, url: program.found[1] };
}

/** A port of this machine that nobody uses. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}

/** An agent at a port, once it answers anything. What it logs of that question is no news. */
export async function startAgent(port, command, options) {
  const agent = start(command, [...options, port], { stderr: 'ignore' });
  const answers = () => fetch(`http://127.0.0.1:${port}/ping`).then(() => true, () => false);
  await until(answers, `${options} listens`);
  return agent;
}

/** Waits until `look` gives something, which it gives soon or never. */
export async function until(look, what) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
