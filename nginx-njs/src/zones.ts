/** What the gate uses of a shared dict whose values are strings. */
export type Zone = Pick<NgxSharedDict<string>, 'add' | 'delete' | 'get' | 'set' | 'keys'>

/**
 * A zone of `js_shared_dict_zone`.
 * @throws Error when the configuration does not declare it; the request then ends with 500
 */
export function zone(name: 'drawbridge_keys' | 'drawbridge_memo' | 'drawbridge_fetches'): Zone {
  const found = ngx.shared[name] as Zone | undefined
  if (found === undefined) throw new Error(`js_shared_dict_zone zone=${name} is missing`)
  return found
}
