// Frameworks, the ways in which their users put a stream on a socket, and the cases of both.

const models = process.env.MODELS_URL
const { scripts, ...said } = await (await fetch(`${models}/scripts`)).json()

export { models }
export const { prompt, system } = said

/** What the tool of the same name does, in every framework. */
export function getWeather(city) {
  if (city === 'Atlantis') throw new Error(`${said.secret}: no such city`)
  return said.toolResult
}

/** What a script's turns say, all together. */
export function words(script) {
  const pieces = scripts[script].flat().filter((piece) => piece.kind === 'text')
  return pieces.map((piece) => piece.text).join('')
}

/** A framework, with the scripts that its agents can follow. */
export class Framework {
  constructor(name, ...scripts) {
    this.name = name
    this.scripts = scripts
    this.cases = []
  }

  /**
   * Makes `run(socket, script)` a way. What of the script's words a caller should read, and how a
   * failure shows, is as in `python/room.py`; `others` names scripts that are read otherwise.
   */
  way(name, run, { reads = 'all', failure = 'incomplete', scripts = this.scripts, ...others } = {}) {
    for (const script of scripts) {
      const expected = others[script] ?? reads
      const described = { framework: this.name, way: name, script, reads: expected, failure }
      this.cases.push({ ...described, run: (socket) => run(socket, script) })
    }
  }

  /** A way for each of `sends`, which put what `events(script)` yields on the socket. */
  ways(events, sends, options) {
    for (const [name, send] of Object.entries(sends)) {
      this.way(name, async (socket, script) => send(socket, await events(script)), options)
    }
  }
}

// How what an agent yields gets to the socket: each takes the socket and an iterable.

/** A message for each event, of what `dump` makes of it; none where that is undefined. */
export function each(dump = JSON.stringify) {
  return async (socket, events) => {
    for await (const event of events) {
      const message = dump(event)
      if (message !== undefined) socket.send(message)
    }
  }
}

/** A server-sent event for each event, as text, with a name where `name` gives one. */
export function sse({ name, done = false } = {}) {
  return async (socket, events) => {
    for await (const event of events) {
      const line = name ? `event: ${name(event)}\n` : ''
      socket.send(`${line}data: ${JSON.stringify(event)}\n\n`)
    }
    if (done) socket.send('data: [DONE]\n\n')
  }
}
