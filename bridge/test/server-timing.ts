/** `Server-Timing`, read for the tests. */
import type { LightMyRequestResponse } from 'fastify'

/** One step, as the header tells it. */
export interface ToldStep {
  party: string
  word: string
  offset: number
  duration: number
}

export const timingOf = (response: LightMyRequestResponse): string | undefined =>
  response.headers['server-timing'] as string | undefined

/** The steps of an answer, without the entry for the whole. */
export const stepsOf = (response: LightMyRequestResponse): ToldStep[] =>
  (timingOf(response) ?? '')
    .split(', ')
    .slice(1)
    .map((entry) => {
      const told = /^([a-z]+);desc="([\w.!]+)@(-?\d+\.\d)";dur=(\d+\.\d)$/.exec(entry)
      if (!told) throw new Error(`not as documented: ${entry}`)
      const [, party = '', word = '', offset, duration] = told
      return { party, word, offset: Number(offset), duration: Number(duration) }
    })

/** Who did what, in order. */
export const told = (response: LightMyRequestResponse): string[] =>
  stepsOf(response).map(({ party, word }) => `${party} ${word}`)
