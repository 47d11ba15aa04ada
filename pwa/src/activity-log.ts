import { SESSION_EVENTS } from './auth/index.ts'
import type { Session, SessionEventMap, SessionEventName } from './auth/index.ts'

/** One step of a session. */
export type Step = {
  [Name in SessionEventName]: { name: Name; detail: SessionEventMap[Name] }
}[SessionEventName] & {
  /** Grows by one; never used twice. */
  id: number
  /** Milliseconds since 1970. */
  at: number
}

const LIMIT = 200

/** The last steps of a session, oldest first. Sends `change` when there is a new one. */
export class ActivityLog extends EventTarget {
  #steps: readonly Step[] = []
  #made = 0

  constructor(session: Session) {
    super()
    for (const name of SESSION_EVENTS) {
      session.addEventListener(name, (event) => {
        const step = { name, detail: event.detail, id: ++this.#made, at: Date.now() } as Step
        this.#set([...this.#steps, step].slice(-LIMIT))
      })
    }
  }

  get steps(): readonly Step[] {
    return this.#steps
  }

  /** Forgets all of them. */
  clear(): void {
    this.#set([])
  }

  #set(steps: readonly Step[]): void {
    this.#steps = steps
    this.dispatchEvent(new Event('change'))
  }
}
