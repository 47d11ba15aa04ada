/** Whether somebody still sits before a shared computer. */
import { test } from 'tap'
import type { Test } from 'tap'
import type { CurrentSession } from '../src/auth/index.ts'
import { Absence, PATIENCE, WARNING } from '../src/shared-computer/absence.ts'
import { MemoryStorage } from './support/device.ts'

const SHARED: CurrentSession = { sub: '2', sid: 'a', sessionExpiresAt: Infinity, persistent: false }

function seat(t: Test, storage: MemoryStorage | null = new MemoryStorage()) {
  const page = new EventTarget()
  Object.assign(globalThis, { window: page, document: page })
  t.teardown(() => {
    for (const name of ['window', 'document']) Reflect.deleteProperty(globalThis, name)
  })
  const state = { now: 1_800_000_000_000, current: SHARED as CurrentSession | null }
  const session = {
    get current() {
      return state.current
    },
  }
  const tab = () => {
    const absence = new Absence(session, storage, () => state.now)
    const said: string[] = []
    for (const name of ['warned', 'back', 'absent']) {
      absence.addEventListener(name, () => said.push(name))
    }
    t.teardown(() => {
      absence.stop()
    })
    return { absence, said }
  }
  return { page, state, storage, tab, ...tab() }
}

const sign = (page: EventTarget, name = 'pointerdown') => page.dispatchEvent(new Event(name))
/** The page looks at the clock. */
const look = (page: EventTarget) => page.dispatchEvent(new Event('focus'))

test('warned a minute before, and gone after fifteen', (t) => {
  const { absence, page, said, state } = seat(t)
  t.equal(absence.watch(), true)
  state.now += PATIENCE - WARNING - 1
  look(page)
  t.strictSame(said, [])
  state.now += 1
  look(page)
  t.strictSame(said, ['warned'])
  sign(page)
  t.strictSame(said, ['warned'], 'a question wants an answer')
  absence.stay()
  t.strictSame(said, ['warned', 'back'])
  state.now += PATIENCE
  look(page)
  t.strictSame(said, ['warned', 'back', 'absent'])
  look(page)
  t.equal(said.length, 3, 'once')
  t.equal(absence.watch(), false, 'and nobody comes back to it')
  absence.stay()
  t.equal(absence.watch(), false)
  t.end()
})

test('every sign counts, in any tab', (t) => {
  const { absence, page, said, state, tab } = seat(t)
  const other = tab()
  absence.watch()
  other.absence.watch()
  for (const name of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove']) {
    state.now += PATIENCE - WARNING - 1
    sign(page, name)
  }
  look(page)
  t.strictSame([...said, ...other.said], [])
  t.end()
})

test('a sign that comes too late is somebody else’s', (t) => {
  const { absence, page, said, state } = seat(t)
  absence.watch()
  state.now += PATIENCE
  sign(page, 'keydown')
  t.strictSame(said, ['absent'])
  t.equal(absence.watch(), false)
  t.end()
})

test('a reload forgets nothing, another session does', (t) => {
  const { absence, state, tab } = seat(t)
  absence.watch()
  state.now += PATIENCE
  t.equal(tab().absence.watch(), false)
  state.current = { ...SHARED, sid: 'b' }
  t.equal(tab().absence.watch(), true)
  t.end()
})

test('a clock that was put back proves nothing', (t) => {
  const { absence, state, tab } = seat(t)
  absence.watch()
  state.now -= 3_600_000
  t.equal(tab().absence.watch(), false)
  t.end()
})

test('without storage a tab watches by itself', (t) => {
  const full = new MemoryStorage()
  full.isFull = true
  for (const storage of [null, full]) {
    const { absence, page, said, state } = seat(t, storage)
    absence.watch()
    state.now += PATIENCE - WARNING
    look(page)
    state.now += WARNING
    look(page)
    t.strictSame(said, ['warned', 'absent'])
  }
  t.end()
})

test('nobody is watched at their own computer, or signed out', (t) => {
  const { absence, page, said, state, storage } = seat(t)
  for (const current of [null, { ...SHARED, persistent: true }]) {
    state.current = current
    t.equal(absence.watch(), true)
    state.now += PATIENCE
    look(page)
    sign(page)
  }
  t.strictSame(said, [])
  t.equal(storage?.length, 0)
  t.end()
})

test('of a session that is over, nothing is left in the browser', (t) => {
  const { absence, page, state, storage } = seat(t)
  absence.watch()
  t.equal(storage?.length, 1)
  absence.stop()
  t.equal(storage?.length, 1, 'nor forgotten while there is one')
  state.current = null
  absence.stop()
  t.equal(storage?.length, 0, 'signed out')

  state.current = SHARED
  absence.watch()
  state.current = null
  look(page)
  t.equal(storage?.length, 0, 'refused')
  storage?.setItem('drawbridge-last-sign', 'before 1')
  absence.stop()
  t.equal(storage?.length, 0, 'of a browser that was closed with it')
  t.end()
})
