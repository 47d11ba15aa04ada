import { test } from 'tap'
import { sinceThen } from '../src/elements/shared/time.ts'

const NOW = 1_800_000_000_000
const ago = (seconds: number, language = 'en') => sinceThen(NOW / 1000 - seconds, NOW, language)

test('how long ago, in whole steps', (t) => {
  t.equal(ago(0), 'this minute')
  t.equal(ago(59), 'this minute')
  t.equal(ago(60), '1 minute ago')
  t.equal(ago(3599), '59 minutes ago')
  t.equal(ago(3600), '1 hour ago')
  t.equal(ago(86_400), 'yesterday')
  t.equal(ago(40 * 86_400), 'last month')
  t.equal(ago(800 * 86_400), '2 years ago')
  t.equal(ago(120, 'de'), 'vor 2 Minuten')
  t.equal(ago(-3600), 'this minute', 'a clock that runs behind')
  t.end()
})
