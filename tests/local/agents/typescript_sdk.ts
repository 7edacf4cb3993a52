// An agent on the official TypeScript SDK, as its documentation begins: a WebSocket handler, and `run`.

import { BedrockAgentCoreApp } from 'bedrock-agentcore/runtime';

const turns = new Map<string, number>();

const app = new BedrockAgentCoreApp({
  invocationHandler: { process: () => 'this agent speaks WebSocket' },
  websocketHandler: (socket, context) => {
    socket.on('message', message => {
      const { prompt } = JSON.parse(message.toString());
      const turn = (turns.get(context.sessionId) ?? 0) + 1;
      turns.set(context.sessionId, turn);
      for (const text of [`TypeScript says ${prompt}, `, `turn ${turn}`]) {
        socket.send(`data: ${JSON.stringify({ chunk: text })}\n\n`);
      }
      socket.send('data: [DONE]\n\n');
    });
  },
  config: { logging: { enabled: false } },
});

app.run({ host: '127.0.0.1', port: Number(process.argv[2]) });
