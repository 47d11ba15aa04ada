import { msg } from '@lit/localize'
import { language } from '../../language.ts'
import type { Lane, Tone } from './message.ts'

/** Who it is, in a word. */
export function laneName(lane: Lane): string {
  switch (lane) {
    case 'browser':
      return msg('Browser', { desc: 'Head of a narrow column' })
    case 'gate':
      return msg('Gate', { desc: 'Head of a narrow column; the part of Drawbridge in nginx' })
    case 'bridge':
      return msg('Bridge', {
        desc: 'Head of a narrow column; the part of Drawbridge behind the gate',
      })
    case 'vault':
      return 'Vault'
    case 'odoo':
      return 'Odoo'
  }
}

/** What the shape in front of a line says; nothing for a plain one. */
export function toneName(tone: Tone): string {
  switch (tone) {
    case 'allowed':
      return msg('Allowed')
    case 'refused':
      return msg('Refused')
    case 'waiting':
      return msg('Waiting')
    case 'lost':
      return msg('Failed')
    case 'plain':
      return ''
  }
}

/** "8.2 ms", "140 ms". What is below the clock's tick is not nothing. */
export function milliseconds(duration: number): string {
  if (duration < 0.1) return '<1 ms'
  const number = duration.toLocaleString(language(), {
    maximumFractionDigits: duration < 10 ? 1 : 0,
    useGrouping: false,
  })
  return `${number} ms`
}
