/** HTTPS and HTTP/2 in front of the stack, as most have it: what some things of a browser want. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../stack/ports.ts'
import { run, startPart, untilReady } from '../stack/process.ts'
import { inRoot } from '../stack/roots.ts'
import { takeRunFolder } from '../stack/run-folder.ts'

export interface HttpsFront {
  /** Its certificate is signed by nobody. */
  origin: string
  stop(): Promise<void>
}

/** Bodies and answers go through as they come: who refuses a request need not wait for its end. */
const configuration = (port: number, behind: URL): string => `
daemon off;
error_log stderr warn;
pid /mnt/front/nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path /mnt/front/temp;
    proxy_temp_path /mnt/front/temp;
    fastcgi_temp_path /mnt/front/temp;
    uwsgi_temp_path /mnt/front/temp;
    scgi_temp_path /mnt/front/temp;
    server {
        listen 127.0.0.1:${String(port)} ssl;
        http2 on;
        ssl_certificate /mnt/front/certificate.pem;
        ssl_certificate_key /mnt/front/key.pem;
        location = /front {
            return 200 "";
        }
        location / {
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            # The stack knows but one origin.
            proxy_set_header Host ${behind.host};
            proxy_set_header Origin ${behind.origin};
            proxy_pass http://127.0.0.1:${behind.port};
        }
    }
}
`

/** @param behind the origin that it leads to */
export async function startHttpsFront(behind: string): Promise<HttpsFront> {
  const folder = await takeRunFolder('https-front')
  const file = (name: string): string => join(folder.path, name)
  const port = await freePort()
  mkdirSync(file('temp'))
  await run([
    ...['openssl', 'req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt'],
    ...['ec_paramgen_curve:prime256v1', '-days', '1', '-subj', '/CN=localhost'],
    ...['-keyout', file('key.pem'), '-out', file('certificate.pem')],
  ])
  writeFileSync(file('nginx.conf'), configuration(port, new URL(behind)))
  const part = startPart({
    name: 'HTTPS front',
    logFile: file('nginx.log'),
    command: inRoot('stack', ['nginx', '-e', 'stderr', '-c', '/mnt/front/nginx.conf'], {
      binds: { '/mnt/front': folder.path },
    }),
  })
  const stop = async (): Promise<void> => {
    await part.stop()
    await folder.release()
  }
  const origin = `https://localhost:${String(port)}`
  try {
    // curl, as Node's own fetch has no way to trust this one certificate.
    await untilReady(part, () =>
      run(['curl', '--silent', '--cacert', file('certificate.pem'), `${origin}/front`]).then(
        () => true,
      ),
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { origin, stop }
}
