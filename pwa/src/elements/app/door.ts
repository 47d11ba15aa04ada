/** Who is let in: what session, disk, network and clock say, made into one answer. */
import type { ProtectedData } from '@drawbridge/bridge/contract'
import { errorWithoutAnswer } from '../../api/api-error.ts'
import type { Session } from '../../auth/index.ts'
import { ContactsReader } from '../../offline/contacts-reader.ts'
import { Keeper } from '../../offline/keeper.ts'
import { KeptContacts } from '../../offline/kept-contacts.ts'
import { Reconnecting } from '../../offline/reconnecting.ts'
import { Absence } from '../../shared-computer/absence.ts'
import { SignOutDue } from '../../sign-out-due.ts'
import type { SignInNotice } from '../sign-in/sign-in.ts'
import type { Address } from './address.ts'

export type Phase =
  | 'starting'
  /** Nobody knows whether somebody is signed in, and nothing is kept. */
  | 'unreachable'
  /** The same, and there is what was kept for the user of before. */
  | 'offline'
  | 'signed-out'
  | 'signed-in'

export interface DoorState {
  phase: Phase
  /** Whose screens these are. */
  user: { sid: string; sub: string } | null
  profile: ProtectedData['user'] | null
  /** The one that the user has chosen to work in; null: all of theirs. */
  company: number | null
  /** What the sign-in page says about why it is there. */
  notice: SignInNotice | null
  /** Whether the user is about to be signed out, because they seem to have gone. */
  isWarned: boolean
}

const NOBODY = { user: null, profile: null, company: null, isWarned: false }

/** Sends `changed` when its state did. */
export class Door extends EventTarget {
  readonly keeper: Keeper
  readonly reader: ContactsReader
  readonly #session: Session
  readonly #address: Address
  readonly #absence: Absence
  readonly #reconnecting = new Reconnecting()
  readonly #signOutDue = new SignOutDue()
  #state: Readonly<DoorState> = { phase: 'starting', notice: null, ...NOBODY }

  constructor(session: Session, address: Address) {
    super()
    this.#session = session
    this.#address = address
    this.keeper = new Keeper(session)
    this.reader = new ContactsReader(session, new KeptContacts(this.keeper))
    this.#absence = new Absence(session)
  }

  get state(): Readonly<DoorState> {
    return this.#state
  }

  /** Whether the screens are to be seen. */
  get isInside(): boolean {
    return this.#state.phase === 'signed-in' || this.#state.phase === 'offline'
  }

  /**
   * Begins to watch, until `signal`, and looks who is there.
   * @param restoring a `session.restore()` that is under way already
   */
  watch(restoring: Promise<boolean> | undefined, signal: AbortSignal): void {
    this.#listenToSession(signal)
    // After the listeners above: what is wiped because nobody is signed in any more leaves nothing
    // to look for here.
    this.keeper.follow(signal)
    this.#listenToDevice(signal)
    signal.addEventListener('abort', () => {
      this.#absence.stop()
      this.#reconnecting.stop()
    })
    // Whoever asked for the session may have been answered before this was here to listen.
    void this.keeper.begin()
    void this.restore(restoring)
  }

  /** Looks anew who is there; until that is known, nothing of anybody is to be seen. */
  async restore(restoring?: Promise<boolean>): Promise<void> {
    this.#hide()
    await this.keeper.settle()
    await this.#tryAgain(restoring)
  }

  /** Ends the session. @param notice what the sign-in page says about it */
  async signOut(notice: 'signed-out' | 'absent' = 'signed-out'): Promise<void> {
    const { current } = this.#session
    this.#signOutDue.sid = current?.sid ?? this.#state.user?.sid ?? this.#signOutDue.sid
    // Without a token there is no event that would do it.
    if (this.#state.phase === 'offline') this.#leave(notice)
    void this.keeper.wipe('session')
    try {
      await this.#session.logout()
      this.#signOutDue.sid = null
      this.#set({ notice })
    } catch {
      this.#set({ notice: 'sign-out-failed' })
    }
  }

  /** The user has been read about. */
  meet(profile: ProtectedData['user']): void {
    this.#set({ profile })
  }

  /** The user chooses a company to work in; null: all of theirs. */
  choose(company: number | null): void {
    this.#set({ company })
  }

  /** The user says that they are there. */
  stay(): void {
    this.#absence.stay()
  }

  /** A file that the screens are made of cannot be had. */
  lose(): void {
    this.#set({ phase: 'unreachable' })
    this.#reconnecting.again()
  }

  #set(changes: Partial<DoorState>): void {
    this.#state = { ...this.#state, ...changes }
    this.dispatchEvent(new Event('changed'))
  }

  #listenToSession(signal: AbortSignal): void {
    const session = this.#session
    session.addEventListener('signed-in', this.#enter, { signal })
    session.addEventListener(
      'signed-out',
      ({ detail }) => {
        this.#leave(detail.reason === 'refused' ? 'ended' : 'signed-out')
      },
      { signal },
    )
    session.addEventListener('user-changed', () => void this.#meetSession(), { signal })
    session.addEventListener(
      'refreshed',
      ({ detail: { outcome } }) => {
        const { phase } = this.#state
        // Without a token there was no session that could be told to be over.
        if (outcome === 'refused' && phase === 'offline') this.#leave('ended')
        if (outcome !== 'renewed') return
        if (phase === 'offline') this.#enter()
        // Another session of the same user may have come with it.
        else if (phase === 'signed-in') this.#meetSession()
      },
      { signal },
    )
  }

  /** What this device has to say: its disk, its network, its clock, and who sits before it. */
  #listenToDevice(signal: AbortSignal): void {
    const on = (target: EventTarget, name: string, listener: (event: Event) => void) => {
      target.addEventListener(name, listener, { signal })
    }
    on(this.keeper, 'wiped', () => {
      const { phase } = this.#state
      const isKeptShown =
        phase === 'offline' || (phase === 'signed-in' && this.reader.outage !== null)
      if (isKeptShown) void this.restore()
    })
    on(this.#reconnecting, 'retry', () => void this.#tryAgain())
    on(this.#absence, 'absent', () => void this.signOut('absent'))
    on(this.#absence, 'warned', () => {
      this.#set({ isWarned: true })
    })
    on(this.#absence, 'back', () => {
      this.#set({ isWarned: false })
    })
    on(window, 'online', () => {
      if (this.#state.notice === 'sign-out-failed') void this.signOut()
    })
    // A page that the browser keeps for going back to is a picture of before: whoever is signed out
    // meanwhile is not to be seen in it, not even for a moment.
    on(window, 'pagehide', (event) => {
      if ((event as PageTransitionEvent).persisted) this.#hide()
    })
    on(window, 'pageshow', (event) => {
      if ((event as PageTransitionEvent).persisted) void this.restore()
    })
  }

  #hide(): void {
    if (this.#state.phase !== 'signed-out') this.#set({ phase: 'starting', profile: null })
  }

  async #tryAgain(restoring?: Promise<boolean>): Promise<void> {
    if (this.#state.phase === 'signed-out') return
    try {
      // Where there was none before, the event has already opened the door.
      if (!(await (restoring ?? this.#session.restore()))) this.#leave(null)
      else if (this.#state.phase !== 'signed-in') this.#enter()
    } catch (error) {
      await this.#goOffline(error)
    }
  }

  /** Shows what was kept, if there is anything. */
  async #goOffline(error: unknown): Promise<void> {
    const owner = await this.keeper.open()
    const { phase } = this.#state
    // Another tab was faster.
    if (phase === 'signed-out' || phase === 'signed-in') return
    if (!owner) {
      this.lose()
      return
    }
    this.#reconnecting.stop()
    this.reader.outage = errorWithoutAnswer(error)?.code ?? 'unreachable'
    this.#letIn({ phase: 'offline', user: owner, profile: owner.profile })
  }

  /** Looks whose session it is now. @returns false where nobody may see it: it is being ended */
  #meetSession(): boolean {
    const { current } = this.#session
    if (!current) return false
    const isSame = this.#state.user?.sub === current.sub
    this.#set({ user: current, ...(isSame ? {} : { profile: null, company: null }) })
    const isDue = this.#signOutDue.sid === current.sid
    if (isDue || !this.#absence.watch()) {
      void this.signOut(isDue ? 'signed-out' : 'absent')
      return false
    }
    this.#signOutDue.sid = null
    return true
  }

  readonly #enter = (): void => {
    if (!this.#meetSession()) return
    this.#reconnecting.stop()
    const wasOutside = this.#state.phase === 'signed-out'
    if (this.#address.route === 'signIn' && !this.#address.leaveSignIn(wasOutside)) {
      // Until the browser has gone.
      this.#set({ phase: 'starting' })
      return
    }
    // Whoever is inside already has the list before them.
    if (!this.isInside) this.reader.begin()
    this.#letIn({ phase: 'signed-in', notice: null })
  }

  #letIn(changes: Partial<DoorState>): void {
    this.#address.follow(true)
    this.#set(changes)
  }

  #leave(notice: SignInNotice | null): void {
    // Who signs out is done here; who was thrown out wants to come back.
    const isDone = notice === 'signed-out' || notice === 'absent'
    this.#address.toSignIn(!isDone)
    this.#absence.stop()
    this.#reconnecting.stop()
    this.#set({ phase: 'signed-out', notice, ...NOBODY })
  }
}
