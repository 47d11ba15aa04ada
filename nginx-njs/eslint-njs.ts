/**
 * Keeps the gate's sources to what both njs engines run. Tried on the binaries: QuickJS of njs
 * 1.0.2 takes everything; the old engine of njs 0.8.9 (Debian 13) refuses what is forbidden here.
 *
 * It does take: let/const, arrow functions, async/await, templates (tagged too), shorthand and
 * computed members, getters and setters, rest parameters, `for…in`, labels, `**`, `??`, numeric
 * separators, named groups and lookbehind, and `export { x as default }`, which is how esbuild
 * ends a bundle.
 */

const LACKS = 'The old njs engine (Debian 13) lacks'

const forbid = (selector: string, what: string): { selector: string; message: string } => ({
  selector,
  message: `${LACKS} ${what}.`,
})

const SYNTAX = [
  forbid('ClassDeclaration, ClassExpression', 'classes'),
  forbid('ForOfStatement', 'for…of'),
  forbid('ObjectPattern, ArrayPattern', 'destructuring'),
  forbid('SpreadElement', 'spread'),
  forbid('AssignmentPattern', 'default values of parameters'),
  forbid('ChainExpression', 'optional chaining'),
  forbid('AssignmentExpression[operator=/^(\\?\\?|\\|\\||&&)=$/]', 'logical assignment'),
  forbid(':function[generator=true]', 'generators'),
  forbid('CatchClause:not([param])', 'catch without a binding'),
  forbid('Literal[bigint]', 'BigInt'),
  forbid('Literal[regex.flags=/[uvsd]/]', 'this flag of regular expressions'),
  forbid('MetaProperty', 'new.target and import.meta'),
  forbid('ImportExpression', 'import()'),
  forbid(
    ':matches(CallExpression, NewExpression) > .arguments AwaitExpression',
    'await in arguments',
  ),
  forbid(
    ':matches(CallExpression, NewExpression) > AwaitExpression.arguments',
    'await in arguments',
  ),
]

// Array.prototype.flat, .at, Object.fromEntries and the like are kept out by `lib: es2017`.
const GLOBALS = ['Map', 'Set', 'WeakMap', 'WeakSet', 'Proxy', 'Reflect', 'URL', 'URLSearchParams']

export default {
  files: ['nginx-njs/src/**/*.ts'],
  rules: {
    'no-restricted-syntax': ['error', ...SYNTAX] as ['error', ...typeof SYNTAX],
    'no-restricted-globals': [
      'error',
      ...GLOBALS.map((name) => ({ name, message: `${LACKS} ${name}.` })),
    ] as ['error', ...{ name: string; message: string }[]],
    // A binding has to be there even where nobody asks for the error.
    '@typescript-eslint/no-unused-vars': ['error', { caughtErrors: 'none' }] as [
      'error',
      { caughtErrors: 'none' },
    ],
  },
}
