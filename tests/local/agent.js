/** An agent at `/ws`, as a container serves it, that says what a test tells it. */

import { on, once } from 'node:events';
import { WebSocketServer } from 'ws';

export class Agent {
  static async start(port = 0) {
    const server = new WebSocketServer({ host: '127.0.0.1', port, path: '/ws' });
    await once(server, 'listening');
    return new Agent(server);
  }

  #server;
  #turns;

  constructor(server) {
    this.#server = server;
    this.#turns = on(server, 'turn');
    server.on('connection', (socket, request) =>
      socket.once('message', message => server.emit('turn', new Turn(socket, request, message))),
    );
  }

  get port() {
    return this.#server.address().port;
  }

  get address() {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** The next prompt that comes in, or came in and was not yet taken. */
  async turn() {
    const { value } = await this.#turns.next();
    return value[0];
  }

  async stop() {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One prompt, and the connection on which to answer it. */
class Turn {
  #socket;

  constructor(socket, { headers }, message) {
    this.#socket = socket;
    this.headers = headers;
    this.message = JSON.parse(message);
    /** The code with which the other side closed, once it did. */
    this.closed = once(socket, 'close').then(([code]) => code);
  }

  /** Sends values as JSON, texts as they are. */
  send(...messages) {
    for (const message of messages) {
      this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    }
  }

  close(code = 1000) {
    this.#socket.close(code);
  }
}
