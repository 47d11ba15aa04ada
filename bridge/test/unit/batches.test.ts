import { test } from 'tap'
import { batches } from '../../src/batches.ts'

test('calls that arrive together are one batch; each gets its own answer or error', async (t) => {
  const seen: number[][] = []
  const call = batches<number, string>(
    (items) => {
      seen.push(items)
      if (items.includes(99)) return Promise.reject(new Error('all of it'))
      return Promise.resolve(
        items.map((item) => (item === 2 ? new Error('only this') : String(item))),
      )
    },
    { most: 3, atOnce: 1 },
  )
  const answers = await Promise.allSettled([1, 2, 3, 4].map(call))
  t.same(seen, [[1, 2, 3], [4]])
  t.match(answers, [
    { value: '1' },
    { reason: { message: 'only this' } },
    { value: '3' },
    { value: '4' },
  ])
  t.match(await Promise.allSettled([98, 99].map(call)), [
    { reason: { message: 'all of it' } },
    { reason: { message: 'all of it' } },
  ])
  t.equal(await call(5), '5', 'it goes on after a failure')
  const short = batches<number, string>(() => Promise.resolve([]), { most: 3, atOnce: 1 })
  await t.rejects(short(1), /without this item/)
})

test('items of one name go into batches that follow one another', async (t) => {
  const seen: string[][] = []
  const call = batches<string, string>(
    (items) => {
      seen.push(items)
      return Promise.resolve(items)
    },
    { most: 10, atOnce: 1, nameOf: (item) => item.slice(0, 1) },
  )
  t.same(await Promise.all(['a1', 'b1', 'a2', 'a3'].map(call)), ['a1', 'b1', 'a2', 'a3'])
  t.same(seen, [['a1', 'b1'], ['a2'], ['a3']])
})
