/** Debian's WebKitGTK from a root of its own, driven by its WebDriver on a display in memory. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { answers, startPart, untilReady } from './process.ts'
import { inRoot } from './roots.ts'
import { takeRunFolder } from './run-folder.ts'

export interface WebKit {
  /** Where it takes commands. @see https://www.w3.org/TR/webdriver2/ */
  url: string
  stop(): Promise<void>
}

// Xvfb says which display it took once it can be used; the first reader of the pipe waits for that.
const START = `
mkfifo /mnt/display
Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp 3> /mnt/display &
read -r display < /mnt/display
export DISPLAY=":$display"
exec WebKitWebDriver --host=127.0.0.1 --port="$1"
`

/**
 * Starts it on a free port; each of its sessions is a browser that remembers nothing.
 * @throws StackError with what it printed, when it does not answer
 */
export async function startWebKit(): Promise<WebKit> {
  const folder = await takeRunFolder('webkit')
  const temporary = join(folder.path, 'tmp')
  await mkdir(temporary)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const part = startPart({
    name: 'WebKitWebDriver',
    command: inRoot('webkit', ['sh', '-ec', START, 'sh', String(port)], {
      // X keeps the locks of its displays there: those of another run say nothing here.
      binds: { '/tmp': temporary },
    }),
    env: {
      HOME: '/mnt',
      LANG: 'en_US.UTF-8',
      // Without a graphics card it would wait for one at every frame, and hardly draw.
      WEBKIT_DISABLE_DMABUF_RENDERER: '1',
    },
    logFile: join(folder.path, 'webkit.log'),
    // It keeps nothing, and as process 1 of its namespace it hears no other signal.
    stopSignal: 'SIGKILL',
  })
  const stop = async (): Promise<void> => {
    await part.stop()
    await folder.release()
  }
  try {
    await untilReady(part, answers(`${url}/status`))
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}
