/** docs/recipes.md: the commands for curl, as they stand there, on the whole stack. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { REPOSITORY } from './stack/paths.ts'

const { issuer, clients, accounts } = readStack()
const client = clients.find(({ client_id }) => client_id === 'other-app')
const redirectUri = client?.redirect_uris[0]
if (redirectUri === undefined) throw new Error('The stack does not know the client other-app.')

/** What the reader puts in its place. */
const SETTINGS: Record<string, string> = {
  ISSUER: issuer,
  API: issuer + PATHS.protectedData,
  CLIENT_ID: 'other-app',
  REDIRECT_URI: redirectUri,
}

const page = readFileSync(join(REPOSITORY, 'docs/recipes.md'), 'utf8')
const section = /^## curl\n(.*?)^## /ms.exec(page)?.[1] ?? ''
const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
const [settings = '', ...commands] = blocks

/** Between the blocks, to tell what each has printed. */
const MARK = '==='

test('curl: what the page says, pasted from the first block to the last', async ({ page }) => {
  const named = [...settings.matchAll(/^(\w+)=\S+$/gm)].map(([, name = '']) => name)
  expect(named).toEqual(Object.keys(SETTINGS))
  expect(settings.trim().split('\n')).toHaveLength(named.length)

  const assignments = Object.entries(SETTINGS).map(([name, value]) => `${name}='${value}'\n`)
  const script = [assignments.join(''), ...commands].join(`\necho '${MARK}'\n`)
  const shell = spawn('bash', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = once(shell, 'exit')
  const faults = text(shell.stderr)
  let printed = ''
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk
  })
  const told = () => printed.split(`${MARK}\n`).slice(1)

  await expect.poll(() => told().length).toBe(2)
  const address = told()[0]?.trim() ?? ''
  expect(address).toMatch(`${issuer}${PATHS.authorize}?`)

  // The person in front of the browser, whom the app's own address leads nowhere.
  await page.route(`${redirectUri}?*`, (route) => route.fulfill({ body: 'cannot be reached' }))
  await page.goto(address)
  await page.getByLabel('Login').fill(accounts.demo.login)
  await page.getByLabel('Password').fill(accounts.demo.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${redirectUri}?*`)
  shell.stdin.end(`${page.url()}\n`)

  const [code] = (await exited) as [number | null]
  expect(await faults).toBe('')
  expect(code).toBe(0)
  const [, , tokens = '', calls = '', refreshed = '', revoked = ''] = told()
  const { access_token, scope } = JSON.parse(tokens) as { access_token: string; scope: string }
  expect(access_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  expect(scope).toBe('openid profile odoo.read')
  const [userinfo = '', data = '', status] = calls.split('\n')
  expect(JSON.parse(userinfo)).toMatchObject({ preferred_username: accounts.demo.login })
  expect(JSON.parse(data)).toMatchObject({ user: { login: accounts.demo.login } })
  expect(status).toBe('200')
  expect(refreshed.trim().split('\n').at(-1)).toBe('200')
  const [given, after = ''] = revoked.split('\n')
  expect(given).toBe('200')
  expect(JSON.parse(after)).toMatchObject({ error: 'invalid_grant' })
})

test('curl: an answer to another request is not taken', async () => {
  const foreign = `${redirectUri}?code=theirs&state=theirs`
  const [, , redemption = ''] = commands
  const script = `STATE=mine; ISSUER=${issuer}; ANSWER='${foreign}'; ${redemption}\necho "<$CODE>"`
  const shell = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const printed = await text(shell.stdout)
  expect(printed).toMatch('Not the answer to this request.')
  expect(printed).toMatch('<>')
})
