/** A mail server that takes all mail and passes on none. */
import { EventEmitter, on, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer } from 'smtp-server'

export interface Mailbox {
  port: number
  /**
   * Does something that sends a mail to an address, and waits for one whose text has this in it.
   * @returns what was found in the text
   * @throws AbortError when none has come within ten seconds
   */
  find(address: string, pattern: RegExp, send: () => Promise<unknown>): Promise<string>
  close(): Promise<void>
}

const isTo = (mail: ParsedMail, address: string): boolean =>
  [mail.to ?? []].flat().some(({ value }) => value.some((to) => to.address === address))

/** Starts one on a free port of 127.0.0.1. */
export async function startMailbox(): Promise<Mailbox> {
  const events = new EventEmitter<{ mail: [ParsedMail] }>()
  const smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _session, done) {
      simpleParser(stream).then((mail) => {
        events.emit('mail', mail)
        done()
      }, done)
    },
  })
  smtp.listen(0, '127.0.0.1')
  await once(smtp.server, 'listening')
  return {
    port: (smtp.server.address() as AddressInfo).port,
    async find(address, pattern, send) {
      const mails = on(events, 'mail', { signal: AbortSignal.timeout(10_000) })
      await send()
      for await (const [mail] of mails as AsyncIterable<[ParsedMail]>) {
        const found = isTo(mail, address) ? pattern.exec(mail.text ?? '')?.[0] : undefined
        if (found !== undefined) return found
      }
      throw new Error('The mailbox was closed.')
    },
    close: () =>
      new Promise((resolve) => {
        smtp.close(resolve)
      }),
  }
}
