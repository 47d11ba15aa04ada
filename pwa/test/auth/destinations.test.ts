import { test } from 'tap'
import { destinations } from '../../src/auth/destinations.ts'

const may = destinations(['https://app.example/api', 'https://data.example/v1/'])

test('the places themselves and what lies below', (t) => {
  for (const url of [
    'https://app.example/api',
    'https://app.example/api/',
    'https://app.example/api/contacts/1?x=https://evil.example',
    'https://app.example:443/api/x',
    'https://data.example/v1/x',
  ]) {
    t.ok(may(url), url)
  }
  t.end()
})

test('nowhere else', (t) => {
  for (const url of [
    'https://app.example/',
    'https://app.example/apiary',
    'https://app.example/auth/refresh',
    'https://app.example/api/../auth/refresh',
    'https://app.example/api/%2e%2e/auth/refresh',
    'https://app.example/api/..%2fauth/refresh',
    'https://app.example/api/..%5cauth/refresh',
    'http://app.example/api/x',
    'https://app.example:8443/api/x',
    'https://app.example.evil.example/api/x',
    'https://evil.example/api/x',
    'https://app.example@evil.example/api/x',
    'https://data.example/v1evil',
    'data:text/plain,https://app.example/api',
  ]) {
    t.notOk(may(url), url)
  }
  t.end()
})

test('a place that is no http(s) URL is refused at once', (t) => {
  t.throws(() => destinations(['data:text/plain,x']), TypeError)
  t.throws(() => destinations(['/api']), TypeError)
  t.end()
})
