/** What a TypeScript frontend can rely on. It is compiled, not run. */

import { AgentError, Conversation } from '../../examples/client/agents-client.js';

export async function talk(signal: AbortSignal): Promise<string> {
  const conversation = new Conversation('echo', { baseUrl: '/', headers: async () => ({ authorization: 'Bearer x' }) });
  let text = '';
  try {
    for await (const event of conversation.send('Hi', { signal })) {
      switch (event.type) {
        case 'session': text = event.sessionId satisfies string; break;
        case 'text': case 'reasoning': text += event.text; break;
        case 'tool-call': text += event.name; break;
        case 'tool-result': if (event.failed) text += event.id; break;
        case 'complete': text += event.metadata.chunks.toFixed(); break;
        default: event satisfies never;
      }
    }
  } catch (error) {
    if (error instanceof AgentError && error.retryable) text = String((error.retryAfter ?? 0) + 1);
  }
  const kept: string | undefined = conversation.sessionId;
  // @ts-expect-error a prompt is a text
  conversation.send(1);
  // @ts-expect-error there is no such option
  new Conversation('echo', { url: '/' });
  return text + kept;
}
