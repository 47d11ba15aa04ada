import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { test, type Test } from 'tap'
import { openClients } from '../../src/clients/file.ts'
import { parseClients } from '../../src/clients/parse.ts'
import { ClientsFile, type ClientEntry } from '../../src/clients/schema.ts'
import { PWA_CLIENT_ID } from '../../src/contract/index.ts'
import { matchesRedirectUri, mayUse, type Client } from '../../src/tokens/clients.ts'
import { API_AUDIENCE, ISSUER } from '../helper.ts'
import { client, confidential, folderOf, SECRET, sha256 } from '../registered-clients.ts'

const OPTIONS = {
  issuer: ISSUER,
  databaseUuid: 'the-uuid',
  accessTokenTtl: 600,
  refreshIdleTtl: 1000,
  refreshAbsoluteTtl: 2000,
  machineClients: true,
  idTokenKey: true,
}

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PUBLIC_JWK = publicKey.export({ format: 'jwk' })

const parsed = (entry: object): Client => {
  const [, found] = parseClients([entry], OPTIONS).values()
  if (!found) throw new Error('not there')
  return found
}

const problem = (registered: unknown, options = OPTIONS): string => {
  try {
    parseClients(registered, options)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

test('what is not said has the safe default', (t) => {
  t.match(
    parsed({ client_id: 'app', redirect_uris: ['https://app.example'], scope: 'odoo.read' }),
    {
      client_name: 'app',
      first_party: false,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      require_pkce: true,
      resources: [API_AUDIENCE],
      groups: undefined,
      origins: ['https://app.example'],
      access_token_ttl: 600,
      refresh_idle_ttl: 1000,
      refresh_absolute_ttl: 2000,
      refresh_delivery: 'body',
    },
  )
  t.same(parsed(confidential()).origins, [], 'a server has no pages that call')
  const pwa = parseClients([], OPTIONS).get(PWA_CLIENT_ID)
  t.match(pwa, { first_party: true, refresh_delivery: 'cookie', origins: [ISSUER] })
  t.end()
})

test('a hash may be in hexadecimal digits or base64url', (t) => {
  const hex = sha256(SECRET)
  const base64url = Buffer.from(hex, 'hex').toString('base64url')
  for (const client_secret_sha256 of [hex, base64url]) {
    t.equal(
      parsed(confidential({ client_secret_sha256 })).client_secret_sha256?.toString('hex'),
      hex,
    )
  }
  t.end()
})

test('a wrong file is refused by the name of the client and the member', (t) => {
  const machine = { grant_types: ['client_credentials' as const], odoo_login: 'bot' }
  const withoutUris: Partial<ClientEntry> = confidential()
  delete withoutUris.redirect_uris
  const wrong: [object, RegExp][] = [
    [{ ...client(), client_id: 'a b' }, /^Client 1 \("a b"\): client_id: expected letters/],
    [{ ...client(), scope: undefined }, /^Client 1 \("an-app"\): scope: missing$/],
    [client({ scope: 'a  b' }), /scope: expected the scopes/],
    [client({ resources: ['a b'] }), /resources\[0\]: expected an audience, without a space/],
    [client({ resources: [] }), /resources: expected the audiences/],
    [{ ...client(), redirect_uri: 'https://x' }, /"redirect_uri": no such member$/],
    [{ ...client(), client_secret: 'x' }, /"client_secret": no such member$/],
    [
      client({ redirect_uris: ['http://app.example/'] }),
      /redirect_uris\[0\]: expected an absolute/,
    ],
    [client({ redirect_uris: ['https://app.example/#x'] }), /redirect_uris\[0\]: /],
    [client({ redirect_uris: ['https://user@app.example/'] }), /redirect_uris\[0\]: /],
    [client({ redirect_uris: ['https://app.example\\.evil.example/'] }), /redirect_uris\[0\]: /],
    [client({ redirect_uris: ['javascript:alert(1)'] }), /redirect_uris\[0\]: /],
    [client({ redirect_uris: ['http://localhost.evil.example/'] }), /redirect_uris\[0\]: /],
    ...['http://app.example/', 'https://app.example/#x', 'https://u@app.example/', '/told'].map(
      (backchannel_logout_uri): [object, RegExp] => [
        client({ backchannel_logout_uri }),
        /: backchannel_logout_uri: expected the https address/,
      ],
    ),
    [
      client({ backchannel_logout_session_required: true }),
      /backchannel_logout_session_required: not expected without/,
    ],
    [
      confidential({ ...machine, backchannel_logout_uri: 'https://app.example/' }),
      /backchannel_logout_uri: not expected, grant_types/,
    ],
    [client({ redirect_uris: [] }), /redirect_uris: expected one at least/],
    [client({ redirect_uris: ['https://a.b', 'https://a.b'] }), /redirect_uris: something stands/],
    [client({ origins: ['*'] }), /origins\[0\]: expected an origin/],
    [client({ origins: ['https://app.example/'] }), /origins\[0\]: expected an origin/],
    [client({ origins: ['https://*.app.example'] }), /origins\[0\]: expected an origin/],
    [client({ origins: ['null'] }), /origins\[0\]: expected an origin/],
    [client({ require_pkce: false }), /require_pkce: expected true/],
    [client({ groups: [] }), /groups: expected external ids/],
    [client({ client_secret_sha256: sha256('x') }), /client_secret_sha256: not expected/],
    [
      confidential({ client_secret_sha256: SECRET + 'x' }),
      /client_secret_sha256: expected the SHA/,
    ],
    [{ ...confidential(), client_secret_sha256: undefined }, /client_secret_sha256: missing/],
    [client({ token_endpoint_auth_method: 'private_key_jwt' }), /expected one of the two/],
    [client({ jwks_uri: 'https://app.example/jwks' }), /jwks_uri: not expected/],
    [
      client({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }) }] },
      }),
      /jwks: expected public keys alone/,
    ],
    [
      client({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
      }),
      /jwks: expected public keys alone/,
    ],
    [
      client({ access_token_ttl: 601 }),
      /access_token_ttl: expected 600 or less \(ACCESS_TOKEN_TTL/,
    ],
    [client({ refresh_idle_ttl: 1001 }), /refresh_idle_ttl: expected 1000 or less/],
    [client({ refresh_absolute_ttl: 2001 }), /refresh_absolute_ttl: expected 2000 or less/],
    [client({ access_token_ttl: 0 }), /access_token_ttl: expected seconds/],
    [client({ client_id: PWA_CLIENT_ID }), /client_id: taken by another client/],
    [{ ...withoutUris, grant_types: ['client_credentials'] }, /odoo_login: missing/],
    [
      { ...withoutUris, ...machine, token_endpoint_auth_method: 'none' },
      /expected another than none/,
    ],
    [confidential({ odoo_login: 'bot' }), /odoo_login: not expected/],
    [
      confidential({ grant_types: ['client_credentials'], odoo_login: 'bot' }),
      /redirect_uris: not/,
    ],
    [{ ...withoutUris, ...machine, grant_types: ['refresh_token'] }, /refresh_token is expected/],
  ]
  for (const [entry, sentence] of wrong) {
    t.match(problem(JSON.parse(JSON.stringify([entry]))), sentence, JSON.stringify(entry))
  }
  t.match(problem({}), /^Expected a JSON array/)
  t.match(problem([1]), /^Client 1: expected an object/)
  t.match(problem([client(), client()]), /^Client 2 \("an-app"\): client_id: taken/)
  const many = problem([client({ scope: '' }), client({ client_id: 'b', scope: '' })])
  t.match(many, /Client 1 .*\n.*Client 2/, 'all at once')
  const odooAlone = problem([{ ...withoutUris, ...machine }], { ...OPTIONS, machineClients: false })
  t.match(odooAlone, /client_credentials is expected with ODOO_ADAPTER=addon alone/)
  t.equal(problem([{ ...withoutUris, ...machine }]), '', 'and with the addon it is fine')
  t.equal(
    problem([
      client({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...PUBLIC_JWK }] },
      }),
    ]),
    '',
  )
  t.end()
})

test('no value of the file is quoted: it may be a secret in the wrong place', (t) => {
  t.notMatch(problem([confidential({ client_secret_sha256: `${SECRET}!` })]), SECRET)
  t.end()
})

test('a redirect address fits letter by letter, but for the port of a loopback address', (t) => {
  const native = parsed(
    client({
      redirect_uris: [
        'http://127.0.0.1/back?x=1',
        'http://[::1]/back',
        'http://127.0.0.1:7000/fixed',
        'http://localhost/back',
        'https://app.example/back',
      ],
    }),
  )
  const fits = [
    'http://127.0.0.1/back?x=1',
    'http://127.0.0.1:1/back?x=1',
    'http://127.0.0.1:65535/back?x=1',
    'http://[::1]:8080/back',
    'http://127.0.0.1:7000/fixed',
    'https://app.example/back',
  ]
  const strange = [
    '',
    'http://127.0.0.1:65536/back?x=1',
    'http://127.0.0.1:0/back?x=1',
    'http://127.0.0.1:080/back?x=1',
    'http://127.0.0.1:/back?x=1',
    'http://127.0.0.1:80@evil.example/back?x=1',
    'http://127.0.0.1:8080.evil.example/back?x=1',
    'http://127.0.0.1:8080/back',
    'http://127.0.0.1:8080/back?x=1&y=2',
    'http://127.0.0.1:8080/back?x=1#f',
    'http://127.0.0.1:8080//back?x=1',
    'http://127.0.0.2:8080/back?x=1',
    'http://[::1]:8080/back?x=1',
    'http://127.0.0.1:7001/fixed',
    'http://localhost:8080/back',
    'https://127.0.0.1:8080/back?x=1',
    'https://app.example:8443/back',
    'http://127.0.0.1:8080/back?x=1\n',
  ]
  for (const uri of fits) t.ok(matchesRedirectUri(native, uri), uri)
  for (const uri of strange) t.notOk(matchesRedirectUri(native, uri), uri)
  t.end()
})

test('a client for some groups is for who is in one of them', (t) => {
  const some = parsed(client({ groups: ['sale.group_a', 'sale.group_b'] }))
  t.ok(mayUse(some, ['base.group_user', 'sale.group_b']))
  t.notOk(mayUse(some, ['base.group_user']))
  t.notOk(mayUse(some, []))
  t.ok(mayUse(parsed(client()), []), 'without groups it is for all')
  t.end()
})

test('RS256 ID tokens are for a bridge that has a key for them', (t) => {
  const entry = client({ id_token_signed_response_alg: 'RS256' })
  t.equal(parsed(entry).id_token_signed_response_alg, 'RS256')
  t.equal(parsed(client()).id_token_signed_response_alg, undefined)
  const without = { ...OPTIONS, idTokenKey: false }
  t.match(
    problem([entry], without),
    /^Client 1 \("an-app"\): id_token_signed_response_alg: RS256 is expected with VAULT_TRANSIT_ID_TOKEN_KEY/,
  )
  t.equal(problem([client({ id_token_signed_response_alg: 'ES256' })], without), '')
  t.match(problem([{ ...client(), id_token_signed_response_alg: 'none' }]), /ES256 or RS256/)
  t.end()
})

test('the published schema is the one that is checked', (t) => {
  const file = join(import.meta.dirname, '../../../docs/clients.schema.json')
  const published = JSON.parse(readFileSync(file, 'utf8')) as unknown
  t.same(published, JSON.parse(JSON.stringify(ClientsFile)))
  t.end()
})

/** Clients of a file, and what happens to them. */
function open(t: Test, file: string) {
  const logged: object[] = []
  const log = {
    info: (facts: object) => logged.push(facts),
    error: (facts: object) => logged.push(facts),
  } as unknown as FastifyBaseLogger
  let tell: (outcome: string) => void = () => undefined
  const clients = openClients({
    ...OPTIONS,
    file,
    log,
    interval: 10,
    observe: (outcome) => {
      tell(outcome)
    },
  })
  t.teardown(() => {
    clients.close()
  })
  /** Resolves to how the next change is taken. */
  const change = async (make: () => void): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>()
    tell = resolve
    // A watch of the bridge keeps no process alive, not even this one.
    const alive = setInterval(() => undefined, 1000)
    make()
    return promise.finally(() => {
      clearInterval(alive)
    })
  }
  return { clients, change, logged }
}

const text = (...ids: string[]) =>
  JSON.stringify(ids.map((client_id): ClientEntry => client({ client_id })))

test('a changed file is read without a restart, however it is changed', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'clients.json')
  writeFileSync(file, text('one'))
  const { clients, change } = open(t, file)
  t.ok(clients.get('one'))

  t.equal(
    await change(() => {
      writeFileSync(file, text('two'))
    }),
    'ok',
  )
  t.ok(clients.get('two'))
  t.notOk(clients.get('one'), 'who stands there no more is out')

  const renamed = () => {
    writeFileSync(`${file}.new`, text('three'))
    renameSync(`${file}.new`, file)
  }
  t.equal(await change(renamed), 'ok')
  t.ok(clients.get('three'))
  t.ok(clients.get(PWA_CLIENT_ID), 'the PWA is always there')
})

test('the swap of a symbolic link, as Kubernetes does it, is seen', async (t) => {
  const folder = folderOf(t)
  const version = (name: string, ...ids: string[]) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'clients.json'), text(...ids))
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  version('..1', 'one')
  symlinkSync('..data/clients.json', join(folder, 'clients.json'))
  const { clients, change } = open(t, join(folder, 'clients.json'))
  t.ok(clients.get('one'))
  const swap = () => {
    version('..2', 'two')
    rmSync(join(folder, '..1'), { recursive: true })
  }
  t.equal(await change(swap), 'ok')
  t.ok(clients.get('two'))
})

test('a broken file is refused, named in the log, and the old clients go on', async (t) => {
  const file = join(folderOf(t), 'clients.json')
  writeFileSync(file, text('one'))
  const { clients, change, logged } = open(t, file)
  t.equal(
    await change(() => {
      writeFileSync(file, `[{"client_secret":"${SECRET}"`)
    }),
    'failed',
  )
  t.match(logged.at(-1), { file, reason: 'it is no JSON' })
  t.notMatch(JSON.stringify(logged), SECRET)
  t.equal(
    await change(() => {
      writeFileSync(file, text('two', 'two'))
    }),
    'failed',
  )
  t.match(logged.at(-1), { reason: /^Client 2 \("two"\): client_id: taken/ })
  t.equal(
    await change(() => {
      rmSync(file)
    }),
    'failed',
  )
  t.ok(clients.get('one'))
  t.notOk(clients.get('two'))
  t.equal(
    await change(() => {
      writeFileSync(file, text('three'))
    }),
    'ok',
  )
  t.ok(clients.get('three'))
})

test('a file that is wrong in the first place does not start', (t) => {
  const file = join(folderOf(t), 'clients.json')
  writeFileSync(file, '[{}]')
  t.throws(() => openClients({ ...OPTIONS, file } as Parameters<typeof openClients>[0]), {
    name: 'ClientsError',
    message: /Client 1: client_id: missing/,
  })
  t.end()
})
