import { connect } from 'node:net'

/** A request as bytes, so that it can be as wrong as it likes. */
export interface RawRequest {
  /** `POST /auth/login HTTP/1.1` */
  line: string
  headers: [name: string, value: string][]
  body: Buffer
  /** Less is sent than was announced, and the sender's side of the connection is closed. */
  incomplete?: boolean
}

export interface RawAnswer {
  /** 0 where the connection was closed without a word. */
  status: number
  headers: Map<string, string>
  body: string
}

const TIMEOUT = 10_000

const bytesOf = ({ line, headers, body }: RawRequest): Buffer =>
  Buffer.concat([
    Buffer.from(
      [line, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'),
      'latin1',
    ),
    body,
  ])

function parse(answer: string): RawAnswer {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const [line = '', ...headers] = head.split('\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0),
    headers: new Map(
      headers.map((header) => {
        const colon = header.indexOf(':')
        return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()]
      }),
    ),
    body: rest.join('\r\n\r\n'),
  }
}

/** Sends bytes over a connection of their own and reads until it is closed. */
export const sendRaw = (port: number, request: RawRequest): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const finish = () => {
      socket.destroy()
      resolve(parse(Buffer.concat(chunks).toString('latin1')))
    }
    socket.setTimeout(TIMEOUT, () => {
      socket.destroy()
      reject(new Error(`no answer within ${TIMEOUT} ms to ${request.line.slice(0, 80)}`))
    })
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', finish)
    // Where the bridge answers before it has read all, the rest meets a closed connection.
    socket.on('error', finish)
    // Who closes their side early gets no answer any more, so nobody else does.
    if (request.incomplete) socket.end(bytesOf(request))
    else socket.write(bytesOf(request))
  })
