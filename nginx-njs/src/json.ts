/** A JSON object whose members are still to be checked. */
export type JsonObject = Partial<Record<string, unknown>>

/**
 * Parses a text that has to be a JSON object.
 * @returns undefined for anything else
 */
export function jsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return value
  } catch (error) {
    return undefined
  }
}
