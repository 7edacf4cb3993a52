// A client of the HTTP API for browsers and Node 20+: copy this file into your frontend.
// docs/frontend.md shows how it is used.

/**
 * @typedef {{ agentId?: string, sessionId?: string, retryable?: boolean, retryAfter?: number, phase?: string }} ErrorDetails
 * @typedef {{ type: 'session', sessionId: string }
 *   | { type: 'text', text: string }
 *   | { type: 'reasoning', text: string }
 *   | { type: 'tool-call', id: string, name: string, input: unknown }
 *   | { type: 'tool-result', id: string, output: unknown, failed: boolean }
 *   | { type: 'complete', sessionId: string, metadata: { chunks: number, duration: number }, incomplete: boolean }
 * } AgentEvent
 * @typedef {{ signal?: AbortSignal, headers?: Record<string, string>, onResponse?: (response: Response) => void }} SendOptions
 */

/** A request that failed, before the first word or after it. */
export class AgentError extends Error {
  /**
   * @param {string} code such as `TimeoutError`; `NetworkError` where no answer came, or none of the API's
   * @param {string} message
   * @param {ErrorDetails} [details]
   * @param {{ status?: number, requestId?: string, cause?: unknown }} [more]
   */
  constructor(code, message, details = {}, { status, requestId, cause } = {}) {
    super(message, { cause });
    this.name = 'AgentError';
    this.code = code;
    /** The same request may be sent again: the agent has not run. */
    this.retryable = details.retryable ?? false;
    /** Seconds to wait before that. */
    this.retryAfter = details.retryAfter;
    /** How far the invocation had come. */
    this.phase = details.phase;
    this.status = status;
    this.requestId = requestId;
  }
}

/** One conversation with one agent. It keeps its session from turn to turn. */
export class Conversation {
  /**
   * @param {string} agentId an id of `GET /api/agents`
   * @param {{ baseUrl?: string, sessionId?: string, headers?: () => Record<string, string> | Promise<Record<string, string>> }} [options]
   *   `baseUrl` is what stands before `api/`, with its slash; `headers` gives a token for each request
   */
  constructor(agentId, { baseUrl = '', sessionId, headers = () => ({}) } = {}) {
    this.agentId = agentId;
    this.baseUrl = baseUrl;
    /** @type {string | undefined} Keep it, and the conversation goes on after a reload. */
    this.sessionId = sessionId;
    this.headers = headers;
  }

  /**
   * Sends a prompt and gives what the agent says as it comes. Aborting the signal, or leaving the loop,
   * stops the agent's reply.
   * @param {string} prompt
   * @param {SendOptions} [options]
   * @returns {AsyncGenerator<AgentEvent, void, undefined>}
   * @throws {AgentError} and, where the signal was aborted, its reason
   */
  async *send(prompt, { signal, headers = {}, onResponse } = {}) {
    const { agentId, sessionId } = this;
    const ours = { 'content-type': 'application/json', ...(await this.headers()), ...headers };
    const request = { method: 'POST', headers: ours, body: JSON.stringify({ agentId, prompt, sessionId }), signal };
    let about = {};
    let whole = false;
    try {
      const response = await fetch(`${this.baseUrl}api/agents/invoke/stream`, request);
      about = { status: response.status, requestId: response.headers.get('x-request-id') ?? undefined };
      onResponse?.(response);
      if (!response.ok || !response.body) throw failure(await response.json().catch(() => ({})), about);
      for await (const { name, data } of serverSentEvents(response.body)) {
        // What came in one piece with the last event is not for whoever has had enough.
        signal?.throwIfAborted();
        if (data === '[DONE]') break;
        const value = JSON.parse(data);
        if (name === 'error') throw failure(value, about);
        if (name === 'session') this.sessionId = value.sessionId;
        whole ||= name === 'complete';
        yield event(name, value);
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof AgentError) throw error;
      throw new AgentError('NetworkError', 'the connection failed', {}, { ...about, cause: error });
    }
    if (!whole) throw new AgentError('NetworkError', 'the reply broke off', { phase: 'stream' }, about);
  }
}

/** @returns {AgentEvent} */
function event(/** @type {string} */ name, /** @type {any} */ value) {
  if (name === 'message') return { type: 'text', text: value.chunk };
  if (name === 'complete') return { type: name, ...value, incomplete: value.incomplete ?? false };
  if (name === 'tool-result') return { type: name, ...value, failed: value.failed ?? false };
  return { type: name, ...value };
}

/** An error as the API's body tells it; what stands between may answer in any other form. */
function failure(/** @type {any} */ body, /** @type {{ status?: number, requestId?: string }} */ about) {
  const { error = 'NetworkError', message = `the answer was a ${about.status}`, details } = body ?? {};
  return new AgentError(error, message, details, about);
}

/** Server-sent events as this API writes them: lines end in LF, comments begin with a colon. */
async function* serverSentEvents(/** @type {ReadableStream<any>} */ body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split('\n\n');
      rest = events.pop() ?? '';
      for (const lines of events.map(text => text.split('\n'))) {
        const field = (/** @type {string} */ name) =>
          lines.filter(line => line.startsWith(`${name}: `)).map(line => line.slice(name.length + 2));
        const data = field('data').join('\n');
        if (data) yield { name: field('event')[0] ?? 'message', data };
      }
    }
  } finally {
    // Whoever leaves the loop early wants no more of it: that ends the request.
    await reader.cancel().catch(() => {});
  }
}
