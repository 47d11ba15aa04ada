/** WebSockets and server-sent events: the upstream that has them, and clients that watch them end. */
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Gate } from './gate.ts'
import type { Cleanup } from './servers.ts'

/** Between two events. Milliseconds. */
const TICK = 50

export interface StreamsUpstream {
  url: string
  /** Every request that came through, oldest first. */
  seen: IncomingMessage[]
  /** The open connections to it. */
  sockets: Set<Socket>
  /** How many of them there are. */
  connections: () => Promise<number>
}

/**
 * An upstream that echoes on a WebSocket and sends the time again and again. A path's end asks for
 * something else: `/short` and `/known` for an ordinary answer, `/late` for a single event after
 * 2.5 seconds, `/refuses` for a 403 to a WebSocket. "close, please" makes it close a WebSocket.
 */
export async function startStreams(t: Cleanup): Promise<StreamsUpstream> {
  const seen: IncomingMessage[] = []
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(request)
    if (request.url?.endsWith('/short') === true) {
      response.write('a short answer ')
      response.end('of unknown length')
      return
    }
    if (request.url?.endsWith('/known') === true) {
      response.end('an answer of known length')
      return
    }
    const send = (): boolean => response.write(`data: ${String(Date.now())}\n\n`)
    response.setHeader('Content-Type', 'text/event-stream')
    response.flushHeaders()
    const timer = request.url?.endsWith('/late') === true ? undefined : setInterval(send, TICK)
    const late = timer === undefined ? setTimeout(send, 2500) : undefined
    response.on('close', () => {
      clearInterval(timer)
      clearTimeout(late)
    })
  }
  const server = createServer(respond)
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    seen.push(request)
    if (request.url?.endsWith('/refuses') === true) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => undefined)
      webSocket.on('message', (data: Buffer) => {
        if (data.toString() === 'close, please') webSocket.close(4000)
        else webSocket.send(`echo ${data.toString()}`)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    for (const webSocket of sockets.clients) webSocket.terminate()
    server.close()
  })
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const connections = (): Promise<number> =>
    new Promise((resolve) => {
      server.getConnections((_error, count) => {
        resolve(count)
      })
    })
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    sockets: open,
    connections,
  }
}

/** An open stream of either kind. */
export interface Stream {
  /** Comes back when a message has gone through the stream once more. */
  works: () => Promise<void>
  /**
   * When it ended (milliseconds since 1970), and how: a WebSocket's code, or whether the answer was
   * `complete` or `cut off`.
   */
  ended: Promise<{ at: number; how: string | number }>
  close: () => void
}

/**
 * Opens a WebSocket through the gate.
 * @throws Error when it is not switched to; its message has the status
 */
export async function openWebSocket(
  t: Cleanup,
  gate: Gate,
  path: string,
  headers: Record<string, string>,
): Promise<WebSocket> {
  const client = new WebSocket(`ws+unix:${gate.socketPath}:${path}`, {
    headers: { Host: 'gate.example', ...headers },
  })
  t.teardown(() => {
    client.terminate()
  })
  await once(client, 'open')
  return client
}

/** A WebSocket to the upstream above. */
export function streamOf(webSocket: WebSocket): Stream {
  return {
    works: async () => {
      const text = crypto.randomUUID()
      webSocket.send(text)
      const [data] = (await once(webSocket, 'message')) as [Buffer]
      if (data.toString() !== `echo ${text}`) throw new Error(`Another message: ${data.toString()}`)
    },
    ended: new Promise((resolve) => {
      webSocket.on('close', (how) => {
        resolve({ at: Date.now(), how })
      })
    }),
    close: () => {
      webSocket.terminate()
    },
  }
}

/** Server-sent events. */
export interface EventStream extends Stream {
  /** The times at which those that came were sent, in milliseconds since 1970. */
  sent: number[]
}

/** @throws Error when the answer is not 200 */
export async function openEvents(gate: Gate, path: string, token: string): Promise<EventStream> {
  const outgoing = httpRequest({
    socketPath: gate.socketPath,
    path,
    headers: { Host: 'gate.example', Authorization: `Bearer ${token}` },
    agent: false,
  })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  if (incoming.statusCode !== 200) throw new Error(`Answered ${String(incoming.statusCode)}`)
  const sent: number[] = []
  incoming.on('data', (chunk: Buffer) => {
    for (const [, time] of chunk.toString().matchAll(/data: (\d+)/g)) sent.push(Number(time))
  })
  let how = 'complete'
  incoming.on('error', () => (how = 'cut off'))
  return {
    sent,
    works: async () => {
      await once(incoming, 'data')
    },
    ended: new Promise((resolve) => {
      incoming.on('close', () => {
        resolve({ at: Date.now(), how })
      })
    }),
    close: () => {
      outgoing.destroy()
    },
  }
}
