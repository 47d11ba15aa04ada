import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Trace, within, type Step } from './trace.ts'

/** A tenth of a millisecond is as much as a reader can use. */
const number = (milliseconds: number): string => milliseconds.toFixed(1)

const entry = ({ party, word, offset, duration, failed }: Step): string =>
  `${party};desc="${word}${failed ? '!' : ''}@${number(offset)}";dur=${number(duration)}`

/**
 * What one request had done, as the value of `Server-Timing`:
 *
 *     bridge;dur=21.4, store;desc="rotate@0.9";dur=1.1, odoo;desc="profile@2.3";dur=14.0,
 *     bridge;desc="sign_access_token.memory@18.2";dur=0.6
 *
 * The first entry is the whole request in the bridge. Each of the others is a step: who, what, when
 * it began, and how long it took. The header has a field for a duration and none for a time, so the
 * time stands in `desc` behind an `@`, in milliseconds since the bridge got the request. A `!`
 * before it: the step ended in an error. Steps may overlap; they stand in the order in which they
 * began. An offset below nought is of what was done before: when the key that signs from memory was
 * fetched. `omitted;desc="7"`: so many more were not written down.
 * @see W3C Server Timing §3
 */
export function serverTiming(trace: Trace): string {
  const omitted = trace.omitted === 0 ? [] : [`omitted;desc="${trace.omitted}"`]
  return [`bridge;dur=${number(trace.elapsed())}`, ...trace.steps.map(entry), ...omitted].join(', ')
}

/**
 * Demo mode: each answer tells what was done for it. Time is an oracle, and this is a precise one:
 * it is for showing the bridge to people, not for people who depend on it.
 */
export const serverTimings = fp((app, _options, done) => {
  const traces = new WeakMap<FastifyRequest, Trace>()

  app.addHook('onRequest', (request, _reply, next) => {
    const trace = new Trace()
    traces.set(request, trace)
    within(trace, next)
  })
  app.addHook('onSend', (request, reply, payload, next) => {
    const trace = traces.get(request)
    if (trace && !trace.muted) reply.header('server-timing', serverTiming(trace))
    next(null, payload)
  })
  app.log.warn('DEMO_MODE: every answer tells how long each step of it took; not for production')
  done()
})
