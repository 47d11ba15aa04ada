/** Who takes part, from left to right. */
export const LANES = ['browser', 'gate', 'bridge', 'vault', 'odoo'] as const
export type Lane = (typeof LANES)[number]

/**
 * How something went. `waiting`: nobody knows yet. `lost`: no answer came. Each has a shape and a
 * word of its own beside its colour.
 */
export type Tone = 'plain' | 'allowed' | 'refused' | 'waiting' | 'lost'

/** One line of the diagram. */
export interface Message {
  /** Stays the same while the story goes on. */
  key: string
  from: Lane
  /** The same as `from` for what somebody does without the others. */
  to: Lane
  /**
   * `exchange`: there and back, in one line. `earlier`: the same, but before this request, which
   * is served by what it brought.
   */
  shape: 'request' | 'answer' | 'exchange' | 'earlier' | 'note'
  tone: Tone
  /** In plain words. */
  text: string
  /** In the words of HTTP, OAuth and Odoo. */
  term?: string
  /** Milliseconds. */
  duration?: number
  /** The step's number in the flow. */
  mark?: string
  /** Whether it was done beside the one before. */
  overlaps?: boolean
}
