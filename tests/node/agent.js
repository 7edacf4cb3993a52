/** An agent behind the WebSocket address of AgentCore Runtime, that says what a test tells it. */

import { on, once } from 'node:events';
import { WebSocketServer } from 'ws';

/** What the agent says of its own failure, which no caller may see. */
export const SECRET = 'SECRET-OF-THE-AGENT';

export class Agent {
  static async start() {
    const refusals = [];
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      verifyClient(_, answer) {
        const status = refusals.shift();
        if (status) answer(false, status);
        else answer(true);
      },
    });
    await once(server, 'listening');
    return new Agent(server, refusals);
  }

  #server;
  #turns;
  #refusals;

  constructor(server, refusals) {
    this.#server = server;
    this.#refusals = refusals;
    this.#turns = on(server, 'turn');
    server.on('connection', (socket, { headers }) =>
      socket.once('message', message => server.emit('turn', new Turn(socket, headers, message))),
    );
  }

  get endpoint() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** The next prompt that comes in, or came in and was not yet taken. */
  async turn() {
    const { value } = await this.#turns.next();
    return value[0];
  }

  /** The next handshake is refused with this status. */
  refuse(status) {
    this.#refusals.push(status);
  }

  stop() {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }
}

/** One prompt, and the connection on which to answer it. */
class Turn {
  #socket;

  constructor(socket, headers, message) {
    this.#socket = socket;
    /** Those of the handshake. */
    this.headers = headers;
    /** What the agent was sent. */
    this.message = JSON.parse(message);
    Object.assign(this, this.message);
    /** The code with which the other side closed, once it did. */
    this.closed = once(socket, 'close').then(([code]) => code);
  }

  /** Sends messages as they stand, objects as JSON. */
  send(...messages) {
    for (const message of messages)
      this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Says no more: closes with 1000. */
  close() {
    this.#socket.close(1000);
  }

  say(chunk) {
    this.#socket.send(`data: ${JSON.stringify({ chunk })}\n\n`);
  }

  end() {
    this.#socket.send('data: [DONE]\n\n');
  }

  /** Says the pieces, then ends. */
  answer(...pieces) {
    for (const piece of pieces) this.say(piece);
    this.end();
  }

  reportError() {
    this.#socket.send(`event: error\ndata: ${JSON.stringify({ error: SECRET })}\n\n`);
  }

  /** The connection is gone, without a close frame. */
  vanish() {
    this.#socket.terminate();
  }
}
