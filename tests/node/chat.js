/** What the tests share that is the caller's: a transport for the AI SDK, and how to look on. */

import { setImmediate } from 'node:timers/promises';
import { DefaultChatTransport } from 'ai';

const PATIENCE_MS = 30_000;

/** The AI SDK's own transport, with its requests put into our words. */
export function transport(url, more = {}) {
  return new DefaultChatTransport({
    api: url,
    prepareSendMessagesRequest: ({ messages, body }) => ({
      body: {
        agentId: 'echo',
        prompt: textOf(messages.at(-1)),
        sessionId: messages.findLast(message => message.metadata)?.metadata.sessionId,
        ...body,
      },
    }),
    ...more,
  });
}

export function textOf(message) {
  return textPartsOf(message)
    .map(part => part.text)
    .join('');
}

export function textPartsOf(message) {
  return message.parts.filter(part => part.type === 'text');
}

/** Looks until it is so, or has been in vain for too long. */
export async function until(isSo) {
  const end = Date.now() + PATIENCE_MS;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`it did not come to be: ${isSo}`);
    await setImmediate();
  }
}

/** Text that a careless writer or reader of events, JSON or UTF-8 would break. */
export const UNUSUAL = [
  'é☃ 👩‍👩‍👧 \u2028\u2029\ufeff\u0085',
  '"quoted" \\back\\slashed\\n',
  'lf\n\ncr\r\rcrlf\r\n\r\n\ttab\u0000\u001b\u007f',
  'data: [DONE]\n\n',
  '[DONE]',
  'data: {"type":"error","errorText":"no"}\n\nevent: error\n: keep-alive\n\n',
  '</script><b>&amp;',
  ' ',
];
