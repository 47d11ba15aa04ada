import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import { BridgeError } from '../../src/errors.ts'
import { OdooUnavailable, type IdentityProvider, type SignIn } from '../../src/odoo/port.ts'
import type { Limiter } from '../../src/plugins/limiter.ts'
import { createSignIn, type SignInOutcome } from '../../src/routes/sign-in.ts'

const REQUEST = {
  headers: { 'user-agent': 'a browser' },
  ip: '192.0.2.1',
  log: { warn: () => undefined },
} as unknown as FastifyRequest

const IDENTITY: SignIn = {
  outcome: 'identity',
  identity: {
    uid: 6,
    roles: [],
    groups: [],
    amr: ['pwd'],
    odooSession: 'x',
    odooStamp: null,
    authTime: null,
    odooBrowser: null,
  },
}

/** A door whose clock moves only when somebody waits or Odoo works. */
function door(odooTakes: number, answer: SignIn | Error, limiter: Partial<Limiter> = {}) {
  let now = 1_000_000
  const counted: string[] = []
  const observed: SignInOutcome[] = []
  const odoo = {
    signIn: () => {
      now += odooTakes
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
  } as Partial<IdentityProvider> as IdentityProvider
  const note = (what: string) => () => {
    counted.push(what)
    return Promise.resolve()
  }
  const signIn = createSignIn({
    odoo,
    limiter: {
      begin: () => Promise.resolve({ succeeded: note('succeeded'), uncounted: note('uncounted') }),
      ...limiter,
    },
    floor: 1,
    observe: (outcome) => observed.push(outcome),
    clock: {
      now: () => now,
      wait: (milliseconds) => {
        now += milliseconds
        return Promise.resolve()
      },
    },
  })
  /** How it ended, and after how many milliseconds. */
  const knock = async () => {
    const since = now
    const result = await signIn(REQUEST, { login: 'demo', password: 'x' }).then(
      () => 'identity',
      (error: unknown) => (error instanceof BridgeError ? error.code : (error as Error).name),
    )
    return { result, took: now - since, counted, observed }
  }
  return { knock }
}

const denied: SignIn = { outcome: 'denied' }

test('an unknown login and a wrong password are answered after the same time', async (t) => {
  const expected = { result: 'invalid_credentials', counted: [], observed: ['denied'] }
  const unknown = await door(2, denied).knock()
  t.match(unknown, { ...expected, took: 1000 })
  t.same(await door(250, denied).knock(), unknown)
})

test('an Odoo slower than the floor tells nothing by the rest', async (t) => {
  t.equal((await door(1010, denied).knock()).took, 2000)
  t.equal((await door(1260, denied).knock()).took, 2000)
})

test('a wrong second factor counts and waits; a missing one does neither', async (t) => {
  const wrong = await door(250, { outcome: 'second_factor_denied' }).knock()
  t.match(wrong, { took: 1000, counted: [], observed: ['second_factor_denied'] })
  const missing = await door(250, { outcome: 'second_factor_required' }).knock()
  t.match(missing, { result: 'mfa_required', took: 250, counted: ['uncounted'] })
})

test('whoever is right does not wait', async (t) => {
  t.same(await door(250, IDENTITY).knock(), {
    result: 'identity',
    took: 250,
    counted: ['succeeded'],
    observed: ['identity'],
  })
})

test('Odoo down is nobody’s failure', async (t) => {
  t.match(await door(5, new OdooUnavailable('down')).knock(), {
    result: 'OdooUnavailable',
    took: 5,
    counted: ['uncounted'],
    observed: ['fault'],
  })
})

test('whoever is refused by the limiter does not reach Odoo', async (t) => {
  const begin = () => Promise.reject(new BridgeError('too_many_attempts', { retryAfter: 60 }))
  t.match(await door(250, IDENTITY, { begin }).knock(), {
    result: 'too_many_attempts',
    took: 0,
    observed: ['too_many_attempts'],
  })
})

test('a limiter that cannot write after Odoo has answered changes nothing of the answer', async (t) => {
  const broken = () => Promise.reject(new BridgeError('database_unavailable'))
  const begin = () => Promise.resolve({ succeeded: broken, uncounted: broken })
  t.equal((await door(5, IDENTITY, { begin }).knock()).result, 'identity')
  t.equal((await door(5, new OdooUnavailable('down'), { begin }).knock()).result, 'OdooUnavailable')
})
