// The Vercel AI SDK: https://ai-sdk.dev/docs/reference/ai-sdk-core/stream-text

import { createOpenAI } from '@ai-sdk/openai'
import { generateText, stepCountIs, streamText, tool } from 'ai'
import { z } from 'zod'
import * as room from '../room.js'

export const framework = new room.Framework(
  'ai-sdk',
  'text',
  'tools',
  'silent_tools',
  'tool_fails',
  'thinking',
  'writes_json',
  'fails',
  'fails_at_once',
)
const openai = createOpenAI({ baseURL: `${room.models}/v1`, apiKey: 'key' })
const getWeather = tool({
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => room.getWeather(city),
})

/** A run on one of OpenAI's two interfaces. */
function run(generate, model) {
  return generate({
    model,
    system: room.system,
    prompt: room.prompt,
    tools: { get_weather: getWeather },
    stopWhen: stepCountIs(5),
    maxRetries: 0,
    // Else it is printed.
    onError() {},
  })
}

const json = room.each()
const ui = { 'UI message stream: JSON': json, 'UI message stream: SSE, [DONE]': room.sse({ done: true }) }
const full = {
  'fullStream: JSON': json,
  'fullStream: SSE': room.sse(),
  'fullStream: SSE, event: type': room.sse({ name: (part) => part.type }),
  'fullStream: {type: token, content}': room.each((part) => {
    if (part.type === 'error') throw part.error
    if (part.type === 'text-delta') return JSON.stringify({ type: 'token', content: part.text })
  }),
}

for (const [kind, model] of [['chat', openai.chat], ['responses', openai.responses]]) {
  const start = (script) => run(streamText, model(script))
  const prefixed = (sends) =>
    Object.fromEntries(Object.entries(sends).map(([name, send]) => [`${kind}: ${name}`, send]))
  framework.ways((script) => start(script).toUIMessageStream(), prefixed(ui))
  framework.ways((script) => start(script).fullStream, prefixed(full))
  framework.way(`${kind}: body of toUIMessageStreamResponse`, async (socket, script) => {
    const { body } = start(script).toUIMessageStreamResponse()
    for await (const bytes of body) socket.send(bytes)
  })
  // A stream of text alone ends where the model fails, and says nothing of it.
  framework.ways((script) => start(script).textStream, prefixed({ textStream: room.each(String) }), {
    fails: 'observe',
    fails_at_once: 'observe',
  })
}

framework.way(
  'generateText: {result: text}',
  async (socket, script) => {
    const { text } = await run(generateText, openai.responses(script))
    socket.send(JSON.stringify({ result: text }))
  },
  { reads: 'last', failure: 'error' },
)
