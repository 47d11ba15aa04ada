import { defineConfig } from 'tsdown'

/** One file of code and one of types, whole in themselves: whoever takes them needs nothing else. */
export default defineConfig({
  entry: 'index.ts',
  format: 'esm',
  platform: 'browser',
  target: 'es2024',
  fixedExtension: false,
  deps: { alwaysBundle: [/^@drawbridge\//] },
  dts: {
    // The contract's types come from its sources, so its project is not asked to be built first.
    tsconfig: '../../../tsconfig.base.json',
    eager: true,
    compilerOptions: { lib: ['es2024', 'dom'], composite: false },
  },
})
