/** A new configuration under load: no request is dropped, none is turned away. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import t from 'tap'
import { ENGINES, startGate } from '../support/gate.ts'
import { noLeaks } from '../support/secrets.ts'
import { startNeighbours } from '../support/servers.ts'
import { AUDIENCE, mint } from '../support/tokens.ts'

const RELOADS = 4
const REQUESTS = 4000

interface Client {
  /** How often each status came. */
  statuses: Map<number, number>
  /** Asks one after the other until it is stopped. */
  run: () => Promise<void>
  stop: () => void
}

/**
 * A client that keeps its connection, unless told otherwise by `Connection: close`. A request on a
 * connection that nginx closed before any answer is sent again on a new one, once: what RFC 9112
 * §9.3.1 has every client do, because the two may cross. On a new connection nothing is repeated.
 */
function startClient(socketPath: string, tokens: string[], keepAlive: boolean): Client {
  const agent = new Agent({ keepAlive, maxSockets: 1 })
  const statuses = new Map<number, number>()
  let running = true
  const ask = async (token: string): Promise<number> => {
    const headers = { Host: 'gate.example', Authorization: `Bearer ${token}` }
    const outgoing = request({ socketPath, path: '/', agent, headers })
    outgoing.end()
    try {
      const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
      incoming.resume()
      await once(incoming, 'end')
      return incoming.statusCode ?? 0
    } catch (error) {
      if (outgoing.reusedSocket) return ask(token)
      throw error
    }
  }
  return {
    statuses,
    stop: () => {
      running = false
    },
    run: async () => {
      for (let i = 0; running; i++) {
        const status = await ask(tokens[i % tokens.length] as string)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
      agent.destroy()
    },
  }
}

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const { key, bridge, pass } = await startNeighbours(t)
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        include /mnt/conf/periodic.conf;
        location / {
          set $drawbridge "audience ${AUDIENCE}; scope *;";
          PROTECT
          ${pass}
        }
        location /image { set $drawbridge "audience ${AUDIENCE}; scope *;"; PROTECT empty_gif; }`,
    })
    noLeaks(t, gate, bridge.credential)
    // Some seen before, some not.
    const tokens = Array.from({ length: 500 }, (_, i) => mint(key, { sid: `session-${String(i)}` }))
    const clients = [true, true, true, false, false, false].map((keepAlive) =>
      startClient(gate.socketPath, tokens, keepAlive),
    )
    const runs = Promise.all(clients.map((client) => client.run()))
    const total = () =>
      clients.flatMap(({ statuses }) => [...statuses.values()]).reduce((a, b) => a + b, 0)
    let done = 0
    const reloads = async () => {
      for (; done < RELOADS || total() < REQUESTS; done++) await gate.reload()
      for (const client of clients) client.stop()
    }
    await Promise.all([runs, reloads()])
    t.comment(`${String(total())} requests over ${String(done)} reloads`)
    for (const { statuses } of clients) t.same([...statuses.keys()], [200])
    t.equal(bridge.jwksFetches, 1, 'the keys are kept')
    t.notMatch(gate.errorLog(), /\[(?:error|crit|alert|emerg)\]/)
  })
}
