import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import {
  createLimiter,
  type Attempt,
  type AttemptDatabase,
  type Limiter,
} from '../src/plugins/limiter.ts'

const PER_ADDRESS = 8

/** An address that no other test has counted. */
const someAddress = (): string =>
  `2001:db8:${randomUUID().slice(0, 4)}:${randomUUID().slice(0, 4)}::1`

const refused = { code: 'too_many_attempts' }

const fail = async (limiter: Limiter, login: string, address: string, times: number) => {
  for (let time = 0; time < times; time++) await limiter.begin(login, address)
}

/** What must hold on every database. */
export function testLimiter(t: Test, database: AttemptDatabase): void {
  const begin = () => ({
    limiter: createLimiter(database, PER_ADDRESS),
    login: randomUUID(),
    address: someAddress(),
  })

  t.test('five failures of a login from an address, and no sixth', async (t) => {
    const { limiter, login, address } = begin()
    await fail(limiter, login, address, 5)
    const error = await limiter.begin(login, address).catch((reason: unknown) => reason)
    t.match(error, refused)
    const { retryAfter } = error as { retryAfter: number }
    t.ok(retryAfter > 590 && retryAfter <= 600, `${retryAfter}`)
    await t.rejects(limiter.begin(` ${login.toUpperCase()}`, address), refused, 'however typed')
    await limiter.begin(login, someAddress())
    await limiter.begin(randomUUID(), address)
  })

  t.test('all the logins from one address together stay below the cool-down of Odoo', async (t) => {
    const { limiter, address } = begin()
    for (let time = 0; time < PER_ADDRESS; time++) await limiter.begin(randomUUID(), address)
    await t.rejects(limiter.begin(randomUUID(), address), refused)
    await t.rejects(limiter.begin(randomUUID(), address.replace('::1', '::2')), refused, 'its /64')
  })

  t.test('one login from many addresses is slowed down', async (t) => {
    const { limiter, login } = begin()
    for (let time = 0; time < 20; time++) await limiter.begin(login, someAddress())
    await t.rejects(limiter.begin(login, someAddress()), refused)
  })

  t.test('a stranger who knows my login cannot lock me out from my own address', async (t) => {
    const { limiter, login, address } = begin()
    await (await limiter.begin(login, address)).succeeded()
    for (let time = 0; time < 20; time++) await limiter.begin(login, someAddress())
    await t.rejects(limiter.begin(login, someAddress()), refused)
    await (await limiter.begin(login, address)).succeeded()

    for (let time = 0; time < PER_ADDRESS; time++) await limiter.begin(randomUUID(), address)
    await t.rejects(limiter.begin(randomUUID(), address), refused)
    await (await limiter.begin(login, address)).succeeded()
    t.pass('nor can one behind the same address')

    await fail(limiter, login, address, 5)
    await t.rejects(limiter.begin(login, address), refused, 'yet own failures count there, too')
  })

  t.test('only failures count', async (t) => {
    const { limiter, login, address } = begin()
    for (let time = 0; time < 12; time++) await (await limiter.begin(login, address)).uncounted()
    await fail(limiter, login, address, 4)
    await (await limiter.begin(login, address)).succeeded()
    await fail(limiter, login, address, 5)
    await t.rejects(limiter.begin(login, address), refused, 'a success begins anew')
  })

  t.test('guesses that come all at once are no more than those that come in turn', async (t) => {
    const { limiter, login, address } = begin()
    const other = createLimiter(database, PER_ADDRESS)
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? limiter : other).begin(login, address)),
    )
    const places = results.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    )
    t.ok(places.length <= 5, `${places.length} of 40 through two bridges`)
    t.ok(results.some(({ status }) => status === 'rejected'))
    // Whoever was turned away has used up nothing.
    await Promise.all(places.map((attempt: Attempt) => attempt.uncounted()))
    await fail(limiter, login, address, 5)
    await t.rejects(limiter.begin(login, address), refused)
  })

  t.end()
}
