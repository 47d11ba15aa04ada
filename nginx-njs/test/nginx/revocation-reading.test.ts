/** How the list of revocations is read, and that the gate is closed for want of it. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ENGINES } from '../support/gate.ts'
import { type RevocationList, revocationList } from '../support/revocation-list.ts'
import { held, key, PERIODIC, scene, startBridgeOf, times } from '../support/revocation-scene.ts'
import { startBridge, type TestBridge } from '../support/servers.ts'
import { AUDIENCE, now } from '../support/tokens.ts'

// Most of it is waiting.
t.jobs = ENGINES.length

for (const engine of ENGINES) {
  t.test(engine.name, { buffered: true }, (t) => {
    t.test('a bridge too slow for js_periodic: the request reads the list itself', async (t) => {
      const list = revocationList([{ sid: 'gone' }])
      const bridge = await startBridge(t, [key.publicJwk])
      bridge.revocations = async (query) => {
        // Longer than a quick reading may take, which is under way most of the time.
        await pause(200)
        return list.page(query)
      }
      const { statusOf, tokenOf } = await scene(t, engine, { bridge })
      t.equal(await statusOf(tokenOf('good')), 200)
      t.equal(await statusOf(tokenOf('gone')), 401)
    })

    t.test('100,000 of them: closed until they are loaded, also after a restart', async (t) => {
      const sids = Array.from({ length: 100_000 }, () => crypto.randomUUID())
      const list = revocationList(sids.map((sid) => ({ sid })))
      const bridge = await startBridge(t, [key.publicJwk])
      let last = held()
      bridge.revocations = async (query) => {
        const page = list.page(query)
        if (page.more) return page
        last.ask()
        await last.wait
        return page
      }
      const { gate, statusOf, tokenOf } = await scene(t, engine, { bridge, periodic: PERIODIC })
      const good = tokenOf('good')
      const sample = sids.filter((_, i) => i % 997 === 0).map((sid) => tokenOf(sid))

      const loads = async (what: string) => {
        const began = Date.now()
        const early = times(5, () => statusOf(good))
        await last.asked
        t.comment(`${what}: all but the last page after ${String(Date.now() - began)} ms`)
        const answered: number[] = []
        const waiting = times(5, async () => answered.push(await statusOf(good)))
        // Longer than a periodic reading takes that is not answered.
        await pause(1000)
        t.notOk(answered.some((status) => status !== 503))
        last.release()
        await Promise.all([early, waiting])
        while ((await statusOf(good)) !== 200) await pause(20)
        t.comment(`${what}: open after ${String(Date.now() - began)} ms`)
        const refused = await Promise.all(sample.map((token) => statusOf(token)))
        t.same(new Set(refused), new Set([401]), 'each of a sample is refused')
        t.equal(await statusOf(tokenOf('another')), 200)
      }

      await loads('start')
      const asked = list.read.length
      await gate.stop()
      last = held()
      await gate.start()
      await loads('restart')
      t.equal(list.read[asked]?.from, 0, 'a gate that was started again reads all')
    })

    t.test('a request that comes before the list waits for it', async (t) => {
      const bridge = await startBridge(t, [key.publicJwk])
      const list = revocationList([{ sid: 'gone' }])
      const last = held()
      bridge.revocations = async (query) => {
        last.ask()
        await last.wait
        return list.page(query)
      }
      const { statusOf, tokenOf } = await scene(t, engine, { bridge, periodic: '' })
      const waiting = Promise.all([statusOf(tokenOf('good')), statusOf(tokenOf('gone'))])
      await last.asked
      t.equal(await Promise.race([waiting, pause(100, 'waits')]), 'waits')
      last.release()
      t.same(await waiting, [200, 401])
      t.equal(bridge.polls, 1)
    })

    t.test('while a list is being read, nobody passes', async (t) => {
      const list = revocationList([{ sid: 'gone' }, { sid: 'more' }])
      list.pageSize = 1
      const bridge = await startBridge(t, [key.publicJwk])
      const last = held()
      bridge.revocations = async (query) => {
        const page = list.page(query)
        if (!page.more) await last.wait
        return page
      }
      const { gate, statusOf, tokenOf, polled } = await scene(t, engine, {
        bridge,
        settings: 'revocations_max_stale 9999999;',
      })
      const good = tokenOf('good')
      const early = times(10, () => statusOf(good))
      t.equal(await statusOf(tokenOf('gone')), 401, 'what is known already is refused as such')
      bridge.respondRevocations = (response) => response.destroy()
      t.same(new Set(await early), new Set([503]))
      await t.resolves(gate.logged('/ 503 revocations_unavailable'))
      delete bridge.respondRevocations
      last.release()
      await polled()
      t.equal(await statusOf(good), 200)
      t.equal(await statusOf(tokenOf('more')), 401)
    })

    t.test('a bridge that was started again: all is read again, closed until then', async (t) => {
      const list = revocationList([{ sid: 'first' }])
      const bridge = await startBridge(t, [key.publicJwk])
      let last: ReturnType<typeof held> | undefined
      bridge.revocations = async (query) => {
        const page = list.page(query)
        if (!page.more && last !== undefined) {
          last.ask()
          await last.wait
        }
        return page
      }
      const { statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      await polled()
      const [good, first, second] = [tokenOf('good'), tokenOf('first'), tokenOf('second')]
      t.same(await times(50, () => statusOf(good)), Array(50).fill(200))

      last = held()
      list.epoch = 'epoch-2'
      list.pageSize = 1
      list.entries = [{ sid: 'third' }, { sid: 'second' }]
      await last.asked
      const waiting = statusOf(good)
      const soon = await Promise.race([waiting, pause(300, 'waits')])
      t.ok(soon === 503 || soon === 'waits', 'fast lane or not')
      t.equal(await statusOf(first), 401, 'what was listed stays refused')
      last.release()
      await waiting
      last = undefined
      await polled()
      t.equal(await statusOf(good), 200)
      t.equal(await statusOf(first), 401)
      t.equal(await statusOf(second), 401)
      t.ok(list.read.some(({ from, epochs }) => from === 0 && epochs.includes('epoch-1')))
    })

    t.test('what is listed counts from its own page on, not from the last one', async (t) => {
      const list = revocationList([{ sid: 'first' }])
      const bridge = await startBridge(t, [key.publicJwk])
      const last = held()
      bridge.revocations = async (query) => {
        const page = list.page(query)
        if (list.entries.length > 1 && !page.more) {
          last.ask()
          await last.wait
        }
        return page
      }
      const { statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      await polled()
      const token = tokenOf('second')
      t.same(new Set(await times(50, () => statusOf(token))), new Set([200]))
      list.pageSize = 1
      list.entries.push({ sid: 'second' }, { sid: 'third' })
      // Each reading empties the fast lane: it has to be filled again up to the last moment.
      const going = Symbol('going')
      while ((await Promise.race([last.asked, pause(0, going)])) === going) {
        await times(10, () => statusOf(token))
      }
      t.same(new Set(await times(50, () => statusOf(token))), new Set([401]))
      t.equal(await statusOf(tokenOf('good')), 200, 'no new list: it stays open')
      last.release()
    })

    t.test('two bridges that answer in turn: each list is read, then it ends', async (t) => {
      const sids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
      const lists = ['epoch-1', 'epoch-2'].map((epoch) =>
        revocationList(
          sids.map((sid) => ({ sid })),
          epoch,
        ),
      )
      for (const list of lists) list.pageSize = 2
      const bridge = await startBridge(t, [key.publicJwk])
      let turn = 0
      bridge.revocations = (query) => (lists[turn++ % 2] as (typeof lists)[0]).page(query)
      const { statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      const isRead = (list: RevocationList) => list.read.some(({ from }) => from === sids.length)
      while (!lists.every(isRead)) await polled()
      t.equal(await statusOf(tokenOf('good')), 200)
      for (const sid of sids) t.equal(await statusOf(tokenOf(sid)), 401, sid)
      const begun = () =>
        lists.map(({ epoch, read }) => read.filter(({ epochs }) => !epochs.includes(epoch)).length)
      const before = begun()
      await polled()
      await polled()
      t.same(begun(), before, 'neither is begun again')
    })

    t.test('a list that cannot be read any more: closed or open, as asked for', async (t) => {
      const list = revocationList([{ sid: 'gone' }])
      const bridge = await startBridgeOf(t, list)
      const location = (path: string, stale: string) => `
        location ${path} {
          set $drawbridge "audience ${AUDIENCE}; scope *; revocations_max_stale 1; ${stale}";
          PROTECT
          PASS;
        }`
      const { statusOf, tokenOf, polled } = await scene(t, engine, {
        bridge,
        server: `
          ${location('/unsaid', '')}
          ${location('/closed', 'stale_revocations closed;')}
          ${location('/open', 'stale_revocations open;')}`,
      })
      await polled()
      const [good, gone] = [tokenOf('good'), tokenOf('gone')]
      const paths = ['/unsaid', '/closed', '/open', '/']
      const ask = (token: string) => Promise.all(paths.map((path) => statusOf(token, path)))
      t.same(await ask(good), [200, 200, 200, 200])
      t.same(await ask(gone), [401, 401, 401, 401])
      bridge.respondRevocations = (response) => response.destroy()
      t.same(await ask(good), [200, 200, 200, 200], 'not at once')
      await pause(1300)
      t.same(await ask(good), [503, 503, 200, 200])
      t.same(await ask(tokenOf('fresh')), [503, 503, 200, 200])
      t.same(await ask(gone), [401, 401, 401, 401], 'what is listed stays refused')
      delete bridge.respondRevocations
      await polled()
      t.same(await ask(good), [200, 200, 200, 200])
    })

    t.test('answers that are no page change nothing', async (t) => {
      const list = revocationList([{ sid: 'gone' }])
      const bridge = await startBridgeOf(t, list)
      const { gate, statusOf, tokenOf, polled } = await scene(t, engine, { bridge })
      await polled()
      const [good, gone, spared] = [tokenOf('good'), tokenOf('gone'), tokenOf('spared')]
      const page = {
        epoch: 'epoch-2',
        all: true,
        sessions: [['spared', now() + 600]] as unknown,
        users: [] as unknown,
        after: '1',
        more: true as unknown,
      }
      const text = (changes: Record<string, unknown>) => JSON.stringify({ ...page, ...changes })
      const answers: Record<string, TestBridge['respondRevocations']> = {}
      const bodies: Record<string, string> = {
        'no JSON': '<html>',
        nothing: '',
        'cut short': text({}).slice(0, -3),
        'a list': `[${text({})}]`,
        null: 'null',
        'no epoch': text({ epoch: undefined }),
        'an epoch of two': text({ epoch: 'a,b' }),
        'no position': text({ after: null }),
        'no sessions': text({ sessions: undefined }),
        'sessions that are no list': text({ sessions: { 0: ['spared', 1] } }),
        'a session without its end': text({ sessions: [['spared', now() + 600], ['x']] }),
        'a session that is a number': text({
          sessions: [
            ['spared', now() + 600],
            [6, 6],
          ],
        }),
        'an end in words': text({ sessions: [['spared', 'never']] }),
        'users without a cut-off': text({ users: [['6']] }),
        'more in words': text({ more: 'no' }),
      }
      for (const [what, body] of Object.entries(bodies)) {
        answers[what] = (response) => response.end(body)
      }
      for (const status of [401, 403, 404, 500, 503]) {
        answers[String(status)] = (response) => response.writeHead(status).end(text({}))
      }
      answers['a redirect'] = (response) =>
        response.writeHead(302, { location: `${bridge.revocationsUrl}/elsewhere` }).end()
      answers['a hang-up'] = (response) => response.destroy()
      answers['a hang-up amid'] = (response) => {
        response.writeHead(200, { 'content-length': '1000' }).write(text({}), () => {
          response.destroy()
        })
      }
      answers.silence = () => undefined

      for (const [what, respond] of Object.entries(answers)) {
        const before = gate.errorLog().length
        let asked = 0
        const twice = new Promise<void>((resolve) => {
          bridge.respondRevocations = (response) => {
            respond?.(response)
            // It asks again when it is done with the answer before.
            if (++asked === 2) resolve()
          }
        })
        await twice
        t.match(
          gate.errorLog().slice(before),
          `no revocations from ${bridge.revocationsUrl}: `,
          what,
        )
        t.equal(await statusOf(good), 200, what)
        t.equal(await statusOf(gone), 401, what)
        t.equal(await statusOf(spared), 200, what)
      }
      t.notOk(bridge.seen.some(({ path }) => path.endsWith('elsewhere')))
      delete bridge.respondRevocations
      list.entries.push({ sid: 'spared' })
      await polled()
      t.equal(await statusOf(spared), 401, 'and then it goes on')
    })
    t.end()
  })
}
