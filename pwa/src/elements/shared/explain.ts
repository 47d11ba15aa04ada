import { msg, str } from '@lit/localize'
import type { ApiErrorCode } from '../../api/api-error.ts'

/** Why a call for data failed, wherever it was made; the code itself where it says most. */
export function explain(code: ApiErrorCode): string {
  switch (code) {
    case 'offline':
      return msg('You are offline.')
    case 'unreachable':
      return msg('The server does not answer.')
    case 'odoo_unavailable':
      return msg('Odoo does not answer.')
    default:
      return msg(str`Something went wrong (${code}).`)
  }
}
