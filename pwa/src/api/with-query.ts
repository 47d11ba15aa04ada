/** A path with a query of what there is: null and the empty string are left out. */
export function withQuery(path: string, given: Record<string, string | number | null>): string {
  const query = new URLSearchParams(
    Object.entries(given).flatMap(([name, value]) =>
      value === null || value === '' ? [] : [[name, String(value)]],
    ),
  ).toString()
  return query === '' ? path : `${path}?${query}`
}
