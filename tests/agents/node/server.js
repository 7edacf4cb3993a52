// Serves the agents of the frameworks that it is given, as a container of AgentCore Runtime does.
//
//   node server.js FRAMEWORK…
//
// Prints a line of JSON, its address and its cases, and serves until its standard input ends. The name
// in the ARN is the number of the case, as in `python/server.py`.

import { WebSocketServer } from 'ws'

const cases = []
for (const name of process.argv.slice(2)) {
  const { framework } = await import(`./frameworks/${name}.js`)
  cases.push(...framework.cases)
}

/** One connection. What an agent throws closes it with 1011, as AgentCore's SDK has it. */
async function serve(socket, request) {
  const [, number] = /runtime\/[a-z]+(\d+)-\w{10}/.exec(decodeURIComponent(request.url))
  await new Promise((resolve) => socket.once('message', resolve))
  try {
    await cases[number].run(socket)
    socket.close(1000)
  } catch {
    socket.close(1011)
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
server.on('connection', serve)
server.on('listening', () => {
  const described = cases.map(({ run, ...rest }) => rest)
  const endpoint = `http://127.0.0.1:${server.address().port}`
  process.stdout.write(`${JSON.stringify({ endpoint, cases: described })}\n`)
  // What the frameworks print is not for whoever reads that line.
  console.log = () => {}
})
process.stdin.resume().on('end', () => process.exit())
