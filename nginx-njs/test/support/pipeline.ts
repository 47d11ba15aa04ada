/** Many requests in little time: few connections that are kept, each with requests under way. */
import { connect } from 'node:net'

const CONNECTIONS = 4
// Requests under way on one connection.
const DEPTH = 64

const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Takes whole answers from the front of `received`. */
function takeStatuses(received: Buffer): { statuses: number[]; rest: Buffer } {
  const statuses: number[] = []
  let at = 0
  for (;;) {
    const end = received.indexOf(END_OF_HEAD, at)
    if (end === -1) break
    const head = received.toString('latin1', at, end)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)
    if (length === null) throw new Error(`An answer without its length:\n${head}`)
    const next = end + END_OF_HEAD.length + Number(length[1])
    if (next > received.length) break
    statuses.push(Number(head.slice('HTTP/1.1 '.length).slice(0, 3)))
    at = next
  }
  return { statuses, rest: received.subarray(at) }
}

/**
 * Asks for `path` once with each token, over a few kept connections.
 * @param tokens sent as `Authorization: Bearer`; without CR, LF and NUL, which no header can carry
 * @returns the status of each answer, in the order of the tokens
 * @throws Error when a connection ends early, or an answer has no `Content-Length`
 */
export async function statusesOf(
  socketPath: string,
  path: string,
  tokens: readonly string[],
): Promise<number[]> {
  const statuses = new Array<number>(tokens.length)
  const head = `GET ${path} HTTP/1.1\r\nHost: gate.example\r\nAuthorization: Bearer `
  let sent = 0

  const converse = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(socketPath)
      const underWay: number[] = []
      let received: Buffer = Buffer.alloc(0)

      const fill = (): void => {
        let text = ''
        while (sent < tokens.length && underWay.length < DEPTH) {
          text += `${head}${tokens[sent] ?? ''}\r\n\r\n`
          underWay.push(sent++)
        }
        if (text !== '') socket.write(text)
        if (underWay.length === 0) {
          resolve()
          socket.destroy()
        }
      }

      socket.on('connect', fill)
      socket.on('error', reject)
      socket.on('close', () => {
        const token = tokens[underWay[0] ?? -1] ?? ''
        reject(new Error(`nginx hung up instead of answering to ${JSON.stringify(token)}`))
      })
      socket.on('data', (chunk) => {
        try {
          const taken = takeStatuses(Buffer.concat([received, chunk]))
          received = taken.rest
          for (const status of taken.statuses) statuses[underWay.shift() as number] = status
          fill()
        } catch (error) {
          socket.destroy(error as Error)
        }
      })
    })

  await Promise.all(Array.from({ length: CONNECTIONS }, converse))
  return statuses
}
