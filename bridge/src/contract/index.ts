/**
 * What the bridge, the gate, the PWA and the tests agree on: names and shapes, nothing that runs.
 * This folder imports nothing from the rest of the tree.
 */
export * from './api.ts'
export * from './contacts.ts'
export * from './errors.ts'
export * from './gate.ts'
export * from './odoo.ts'
export * from './openid.ts'
export * from './tokens.ts'
