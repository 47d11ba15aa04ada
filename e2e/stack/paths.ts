/** The two folders that everything is found from. */
import { join, resolve } from 'node:path'

/** The checkout. */
export const REPOSITORY = join(import.meta.dirname, '../..')

/**
 * The one ignored folder: everything that is fetched, built or written at run time.
 * `DRAWBRIDGE_STACK_DIR` names another one, for instance on a larger disk.
 */
export const STACK_DIR = resolve(process.env['DRAWBRIDGE_STACK_DIR'] ?? join(REPOSITORY, '.stack'))
