import t from 'tap'
import { findMirror } from '../stack/debian.ts'

t.test('the mirror is the one that also has the updates', (t) => {
  const printed = [
    'https://vendor.example/debian bookworm main',
    'http://security.example/debian-security bookworm-security main',
    'http://mirror.example/debian bookworm main',
    'http://mirror.example/debian bookworm-updates main',
    '',
  ].join('\n')
  t.equal(findMirror(printed), 'http://mirror.example/debian')
  t.end()
})

t.test('without updates, the first site that has a suite of Debian', (t) => {
  const printed = [
    'https://vendor.example/node_20.x nodistro main',
    'https://vendor.example/apt bookworm stable',
    'http://first.example/debian trixie main',
    'http://second.example/debian trixie main',
  ].join('\n')
  t.equal(findMirror(printed), 'http://first.example/debian')
  t.end()
})

t.test('security alone is no mirror, nor is a vendor of its own', (t) => {
  const printed = [
    'http://mirror.example/debian-security bookworm-security main',
    'https://vendor.example/node_20.x nodistro main',
  ].join('\n')
  t.equal(findMirror(printed), undefined)
  t.equal(findMirror(''), undefined)
  t.end()
})
