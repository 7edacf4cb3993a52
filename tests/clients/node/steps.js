/** A reply with reasoning and a tool, as Strands sends it, and what callers may see of it. */

const event = (name, inside) => ({ event: { [name]: inside } });
const delta = (contentBlockIndex, delta) => event('contentBlockDelta', { contentBlockIndex, delta });
const stop = contentBlockIndex => event('contentBlockStop', { contentBlockIndex });

export const REASONING = 'I should look it up.';
export const CALL = { id: 'tooluse_1', name: 'get_weather', input: { city: 'Paris' } };
export const RESULT = '22 C, sunny';
export const TEXTS = ['Let me check. ', 'It is sunny in Paris.'];

/** The model thinks, says something and calls a tool. */
export const CALLS = [
  event('messageStart', { role: 'assistant' }),
  delta(0, { reasoningContent: { text: 'I should ' } }),
  delta(0, { reasoningContent: { text: 'look it up.' } }),
  stop(0),
  delta(1, { text: 'Let me ' }),
  delta(1, { text: 'check. ' }),
  stop(1),
  event('contentBlockStart', {
    contentBlockIndex: 2,
    start: { toolUse: { name: CALL.name, toolUseId: CALL.id } },
  }),
  delta(2, { toolUse: { input: '{"city": ' } }),
  delta(2, { toolUse: { input: '"Paris"}' } }),
  stop(2),
  event('messageStop', { stopReason: 'tool_use' }),
];

const result = (status, text) => ({
  message: {
    role: 'user',
    content: [{ toolResult: { toolUseId: CALL.id, status, content: [{ text }] } }],
  },
});

export const SUCCEEDS = result('success', RESULT);
export const FAILS = result('error', 'no such city');

/** It answers. */
export const ANSWERS = [
  event('messageStart', { role: 'assistant' }),
  delta(0, { text: 'It is sunny ' }),
  delta(0, { text: 'in Paris.' }),
  stop(0),
  event('messageStop', { stopReason: 'end_turn' }),
];

export const STEPS = [...CALLS, SUCCEEDS, ...ANSWERS];
