/** What each client of `registered.ts` is a program of. */
import { join } from 'node:path'
import { installPython } from '../stack/install-python.ts'
import { inRoot } from '../stack/roots.ts'
import { compileGo, compileJava } from './compile.ts'
import type { Program } from './driver.ts'

/** A program in TypeScript of this folder. */
const node = (file: string) => (): Promise<Program> =>
  Promise.resolve({ name: file, command: ['node', join(import.meta.dirname, file)] })

const openidClient = node('openid-client.ts')

async function authlib(): Promise<Program> {
  const packages = await installPython('authlib', join(import.meta.dirname, 'requirements.txt'))
  const binds = { '/mnt/clients': import.meta.dirname, '/mnt/packages': packages }
  return {
    name: 'authlib_client.py',
    command: inRoot('stack', ['python3', '/mnt/clients/authlib_client.py'], {
      user: 'nobody',
      readOnlyBinds: binds,
    }),
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      PYTHONPATH: '/mnt/packages',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  }
}

const go = async (): Promise<Program> => ({ name: 'go/main.go', command: [await compileGo()] })

const java = async (): Promise<Program> => ({
  name: 'java/NimbusClient.java',
  command: ['java', '-classpath', await compileJava(), 'NimbusClient'],
})

/** By `client_id`; each makes what it needs before it can be started. */
export const PROGRAMS: Record<string, () => Promise<Program>> = {
  'openid-client': openidClient,
  'openid-client-key': openidClient,
  oauth4webapi: node('oauth4webapi.ts'),
  authlib,
  'authlib-public': authlib,
  'go-oidc': go,
  'go-oidc-public': go,
  nimbus: java,
  'nimbus-key': java,
}
