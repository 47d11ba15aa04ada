import { test } from 'tap'
import { returnPath } from '../../src/auth/index.ts'

const ORIGIN = 'http://localhost:8080'

test('a path of this origin is kept, query and fragment too', (t) => {
  for (const path of ['/', '/activity', '/a/b?c=d&e=//f#g', '/a//b', '/@host', '/%2f%2fhost']) {
    t.equal(returnPath(path, ORIGIN), path)
  }
  t.end()
})

test('whatever would lead elsewhere becomes the start', (t) => {
  const elsewhere = [
    ...[null, '', 'activity', 'https://evil.example', 'javascript:alert(1)', 'data:text/html,x'],
    ...['//evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example'],
    ...['/\n/evil.example', '/.//evil.example', '/a/..//evil.example', '/%2e//evil.example'],
    ...[
      ' //evil.example',
      '//evil.example/path',
      '/\\evil.example/path',
      '//localhost:8081/',
      '//',
      '/\\',
      'http:evil.example',
    ],
  ]
  for (const asked of elsewhere) t.equal(returnPath(asked, ORIGIN), '/', String(asked))
  t.end()
})
