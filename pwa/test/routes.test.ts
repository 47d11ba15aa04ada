import { test } from 'tap'
import { isOwnAddress, ROUTES, SHELL_PATTERNS, routeOf, signInAddress } from '../src/routes.ts'

test('each address has its route, an unknown one is the start', (t) => {
  t.equal(routeOf('/'), 'contacts')
  t.equal(routeOf('/activity'), 'activity')
  t.equal(routeOf('/sign-in'), 'signIn')
  t.equal(routeOf('/constructor'), 'contacts')
  t.end()
})

test('the sign-in page knows the way back', (t) => {
  t.equal(signInAddress('/'), '/sign-in')
  t.equal(signInAddress('/activity?a=b&c#d'), '/sign-in?return=%2Factivity%3Fa%3Db%26c%23d')
  t.end()
})

test('what is the app’s own, and what somebody else’s on this origin', (t) => {
  for (const address of ['/', '/?a', '/#b', '/activity', '/activity?a#b', '/sign-in?return=%2F']) {
    t.ok(isOwnAddress(address), address)
  }
  for (const address of ['/handbook/', '/activity/', '/activityx', '/oauth/authorize?a', '']) {
    t.notOk(isOwnAddress(address), address)
  }
  t.end()
})

test('the shell answers the app’s own addresses only', (t) => {
  const answers = (path: string) => SHELL_PATTERNS.some((pattern) => pattern.test(path))
  for (const path of Object.values(ROUTES)) {
    t.ok(answers(path))
    t.ok(answers(`${path}?return=%2F`))
  }
  for (const path of [
    ...['/auth/login', '/auth/refresh', '/oauth/authorize?client_id=x', '/oauth/token'],
    ...['/.well-known/jwks.json', '/api/protected/data', '/documentation', '/metrics'],
    ...['/activity/x', '/sign-in.html', '/web', '//'],
  ]) {
    t.notOk(answers(path), path)
  }
  t.end()
})
