import { test } from 'tap'
import { routesIn } from '../src/routes.ts'

for (const base of ['/', '/app/', '/a.b/c+d/']) {
  const { ROUTES, routeOf, isOwnAddress, signInAddress } = routesIn(base)

  test(`below ${base} each address has its route, an unknown one is the start`, (t) => {
    t.equal(routeOf(base), 'contacts')
    t.equal(routeOf(`${base}activity`), 'activity')
    t.equal(routeOf(`${base}sign-in`), 'signIn')
    t.equal(routeOf(`${base}constructor`), 'contacts')
    t.end()
  })

  test(`below ${base} all addresses lie in one folder: index.html finds its files beside itself`, (t) => {
    for (const path of Object.values(ROUTES)) t.equal(path.replace(/[^/]*$/, ''), base)
    t.end()
  })

  test(`below ${base} the sign-in page knows the way back`, (t) => {
    t.equal(signInAddress(base), `${base}sign-in`)
    const back = new URLSearchParams({ return: `${base}activity?a=b&c#d` }).toString()
    t.equal(signInAddress(`${base}activity?a=b&c#d`), `${base}sign-in?${back}`)
    t.end()
  })

  test(`below ${base}: what is the app’s own, and what somebody else’s on this origin`, (t) => {
    const own = ['', '?a', '#b', 'activity', 'activity?a#b', 'sign-in?return=%2F', 'account']
    for (const name of own) t.ok(isOwnAddress(base + name), name)
    const others = [
      'handbook/',
      'activity/',
      'activityx',
      'oauth/authorize?a',
      'app/',
      'app/account',
    ]
    for (const name of others) t.notOk(isOwnAddress(base + name), name)
    t.notOk(isOwnAddress(''))
    t.end()
  })
}

test('an app in a folder owns nothing above it, nor in a folder below', (t) => {
  const { isOwnAddress } = routesIn('/app/')
  for (const address of ['/', '/account', '/app', '/application', '/app/app/', '/axb/c+d/']) {
    t.notOk(isOwnAddress(address), address)
  }
  t.notOk(routesIn('/a.b/').isOwnAddress('/axb/'))
  t.end()
})
