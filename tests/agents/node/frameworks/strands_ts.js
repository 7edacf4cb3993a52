// Strands Agents in TypeScript: https://strandsagents.com/latest/documentation/docs/user-guide/quickstart/typescript/

import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Agent, BedrockModel, tool } from '@strands-agents/sdk'
import { Graph, Swarm } from '@strands-agents/sdk/multiagent'
import { z } from 'zod'
import * as room from '../room.js'

export const framework = new room.Framework(
  'strands (TypeScript)',
  'text',
  'tools',
  'silent_tools',
  'tool_fails',
  'thinking',
  'writes_json',
  'fails',
  'fails_at_once',
)
const getWeather = tool({
  name: 'get_weather',
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  callback: ({ city }) => room.getWeather(city),
})

/** An agent whose model is Bedrock's ConverseStream, on loopback. */
function agent(script, options = { tools: [getWeather] }) {
  const clientConfig = {
    endpoint: room.models,
    credentials: { accessKeyId: 'id', secretAccessKey: 'key' },
    // The usual one speaks HTTP/2 alone.
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  }
  const model = new BedrockModel({ modelId: script, region: 'us-east-1', clientConfig })
  return new Agent({ model, systemPrompt: room.system, printer: false, retryStrategy: null, ...options })
}

/** All that the agent yields. */
const stream = (script) => agent(script).stream(room.prompt)

/** The model's event inside of one, and the text of that. */
const inner = (event) => (event.type === 'modelStreamUpdateEvent' ? event.event : undefined)
const delta = (event) =>
  inner(event)?.delta?.type === 'textDelta' ? inner(event).delta.text : undefined
const text = (words) => (words === undefined ? undefined : JSON.stringify({ data: words }))

framework.ways(stream, {
  'all events: JSON': room.each(),
  'all events: SSE, [DONE]': room.sse({ done: true }),
  'all events: SSE, event: type': room.sse({ name: (event) => event.type }),
  "the model's events: JSON": room.each((event) => JSON.stringify(inner(event))),
  'text deltas: text': room.each(delta),
  'text deltas: {data}': room.each((event) => text(delta(event))),
})
const finals = {
  'final: {result: result.toString()}': (result) => ({ result: result.toString() }),
  'final: result.lastMessage': (result) => result.lastMessage,
  'final: result': (result) => result,
}
for (const [name, dump] of Object.entries(finals)) {
  framework.way(
    name,
    async (socket, script) => socket.send(JSON.stringify(dump(await agent(script).invoke(room.prompt)))),
    // A reasoning is a part of what `toString` gives, and none of it is marked.
    { reads: 'last', failure: 'error', ...(name.includes('toString') && { thinking: 'printed' }) },
  )
}

/** A member of a team, under the name of its script. */
const member = (script) => agent(script, { id: script, name: script, description: script })
const graph = (script) =>
  new Graph({
    nodes: [member('researcher'), member(script)],
    edges: [['researcher', script]],
  }).stream(room.prompt)

const nodes = {
  'all events: JSON': room.each(),
  'all events: SSE, event: type': room.sse({ name: (event) => event.type }),
  "nodes' text deltas": room.each((event) => event.inner && delta(event.inner.event)),
}
const named = (team) =>
  Object.fromEntries(Object.entries(nodes).map(([name, send]) => [`${team}: ${name}`, send]))
framework.ways(
  graph,
  named('graph'),
  { scripts: ['writer'], reads: room.words('researcher') + room.words('writer') },
)

const swarm = (script) =>
  new Swarm({ nodes: [member('hands_over_by_decision'), member(script)] }).stream(room.prompt)
framework.ways(swarm, named('swarm'), {
  scripts: ['decides'],
  reads: room.words('hands_over_by_decision') + room.words('decides'),
})

// A node's result is what that of an agent alone is, after which nothing more is to come.
framework.ways(
  graph,
  { "graph: nodes' own events": room.each((event) => JSON.stringify(event.inner?.event)) },
  { scripts: ['writer'], reads: 'observe' },
)
