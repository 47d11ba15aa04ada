import { test } from 'tap'
import { ConfigError, loadConfig } from '../../src/config.ts'

const GOOD = {
  ISSUER: 'https://id.example.com',
  ODOO_URL: 'http://odoo:8069',
  ODOO_DATABASE: 'prod',
  ODOO_DATABASE_UUID: 'u',
  KEY_CUSTODY: 'file',
  KEY_FILE: '/keys.json',
  GATE_CREDENTIAL_FILE: '/credential',
}

test('every wrong variable is named at once, with what is expected', (t) => {
  t.throws(
    () => loadConfig({ ISSUER: 'https://id.example.com/', PORT: 'http', ODOO_URL: 'odoo' }),
    { name: 'ConfigError', message: /ISSUER[^]*PORT|PORT[^]*ISSUER/ },
  )
  try {
    loadConfig({})
    t.fail('nothing is set')
  } catch (error) {
    const { message } = error as ConfigError
    for (const name of ['ISSUER', 'ODOO_URL', 'ODOO_DATABASE', 'GATE_CREDENTIAL_FILE']) {
      t.match(message, new RegExp(`${name}: expected .{10}`), name)
    }
  }
  t.end()
})

test('defaults, and lists taken apart', (t) => {
  const config = loadConfig(GOOD)
  t.equal(config.ACCESS_TOKEN_TTL, 600)
  t.equal(config.REFRESH_GRACE, 30)
  t.same(config.TRUST_PROXY, ['127.0.0.1', '::1'])
  t.equal(config.ROLE_MAP['base.group_user'], 'internal')
  t.end()
})

test('what one custody needs is asked for with it', (t) => {
  t.throws(() => loadConfig({ ...GOOD, KEY_CUSTODY: 'fetched' }), /VAULT_ADDR[^]*VAULT_ROLE_ID/)
  t.throws(() => loadConfig({ ...GOOD, KEY_FILE: undefined }), /KEY_FILE/)
  t.end()
})

test('a session must not outlive what a stock Odoo keeps of it', (t) => {
  t.throws(() => loadConfig({ ...GOOD, REFRESH_IDLE_TTL: '518401' }), /REFRESH_IDLE_TTL: .*518400/)
  t.equal(loadConfig({ ...GOOD, REFRESH_IDLE_TTL: '518400' }).REFRESH_IDLE_TTL, 518400)
  const long = { ...GOOD, REFRESH_IDLE_TTL: '2592000', ODOO_ADAPTER: 'addon' }
  t.equal(loadConfig(long).REFRESH_IDLE_TTL, 2592000)
  t.end()
})

test('a role that would break a header is refused', (t) => {
  for (const map of ['[]', '{"g":"two words"}', '{"g":1}', 'x']) {
    t.throws(() => loadConfig({ ...GOOD, ROLE_MAP: map }), /ROLE_MAP/, map)
  }
  t.end()
})
