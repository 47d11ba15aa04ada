/** What the gate uses of a shared dict. */
export type Zone<Value extends string | number> = Pick<
  NgxSharedDict<Value>,
  'add' | 'delete' | 'get' | 'set' | 'keys' | 'incr'
>

type TextZone =
  | 'drawbridge_keys'
  | 'drawbridge_memo'
  | 'drawbridge_answers'
  | 'drawbridge_fetches'
  | 'drawbridge_feeds'
  | 'drawbridge_settings'
type NumberZone =
  'drawbridge_times' | 'drawbridge_revocations' | 'drawbridge_unknown_keys' | 'drawbridge_counts'

// Where the engine keeps a context, a zone is looked up once.
const found: Partial<Record<string, unknown>> = {}

function zone(name: string): unknown {
  const known = found[name]
  if (known !== undefined) return known
  const dict: unknown = ngx.shared[name]
  if (dict === undefined) throw new Error(`js_shared_dict_zone zone=${name} is missing`)
  found[name] = dict
  return dict
}

/**
 * A zone of `js_shared_dict_zone`.
 * @throws Error when the configuration does not declare it; the request then ends with 500
 */
export const textZone = (name: TextZone): Zone<string> => zone(name) as Zone<string>

/** As {@link textZone}, of a zone with `type=number`. */
export const numberZone = (name: NumberZone): Zone<number> => zone(name) as Zone<number>
