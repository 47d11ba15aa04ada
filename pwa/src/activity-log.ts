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

/** The last steps of one user's sessions, oldest first. Sends `change` when there is a new one. */
export class ActivityLog extends EventTarget {
  #steps: readonly Step[] = []
  #made = 0
  /** Whose steps these are. */
  #sub: string | null = null

  constructor(session: Session) {
    super()
    for (const name of SESSION_EVENTS) {
      session.addEventListener(name, (event) => {
        this.#meet(session.user)
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

  /** What one user did is not for the next one before the same screen. */
  #meet(user: Session['user']): void {
    if (user === null || user.sub === this.#sub) return
    if (this.#sub !== null) this.clear()
    this.#sub = user.sub
  }

  #set(steps: readonly Step[]): void {
    this.#steps = steps
    this.dispatchEvent(new Event('change'))
  }
}
