/** An agent behind the WebSocket address of AgentCore Runtime, that says what a test tells it. */

import { on, once } from 'node:events';
import { WebSocketServer } from 'ws';

/** What the agent says of its own failure, which no caller may see. */
export const SECRET = 'SECRET-OF-THE-AGENT';

export class Agent {
  static async start() {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new Agent(server);
  }

  #server;
  #turns;

  constructor(server) {
    this.#server = server;
    this.#turns = on(server, 'turn');
    server.on('connection', socket =>
      socket.once('message', message => server.emit('turn', new Turn(socket, message))),
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

  stop() {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }
}

/** One prompt, and the connection on which to answer it. */
class Turn {
  #socket;

  constructor(socket, message) {
    this.#socket = socket;
    Object.assign(this, JSON.parse(message));
    /** The code with which the other side closed, once it did. */
    this.closed = once(socket, 'close').then(([code]) => code);
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
