/** Shows what the long steps are doing: one changing line on a terminal, plain lines elsewhere. */

export interface Progress {
  /**
   * Does one step and shows it from its beginning to its end.
   * @param task told how to say how far it is
   */
  step<T>(title: string, task: (update: (text: string) => void) => Promise<T>): Promise<T>
}

/** Shows nothing. */
export const silent: Progress = { step: (_title, task) => task(() => undefined) }

const REDRAW = 100
const REPEAT = 15_000
const WIDTH = 100

/** Seconds since `start`, for people. */
export const secondsSince = (start: number): string =>
  `${((Date.now() - start) / 1000).toFixed(1)} s`

interface Running {
  title: string
  text: string
  start: number
}

/** Shows steps on a stream; several may run side by side. */
export function showProgress(output: NodeJS.WriteStream): Progress {
  const running = new Set<Running>()
  const live = output.isTTY
  let timer: NodeJS.Timeout | undefined

  const describe = ({ title, text, start }: Running): string =>
    `${title}${text === '' ? '' : ` (${text})`} ${secondsSince(start)}`
  const redraw = (): void => {
    const line = [...running].map(describe).join(' · ')
    output.write(`\r\x1b[K${line.slice(0, (output.columns || WIDTH) - 1)}`)
  }
  const repeat = (): void => {
    for (const step of running) output.write(`  … ${describe(step)}\n`)
  }
  const write = (line: string): void => {
    output.write(live ? `\r\x1b[K${line}\n` : `${line}\n`)
  }

  return {
    async step(title, task) {
      const step: Running = { title, text: '', start: Date.now() }
      running.add(step)
      timer ??= live ? setInterval(redraw, REDRAW) : setInterval(repeat, REPEAT)
      if (!live) write(`  … ${title}`)
      let mark = '✗'
      try {
        const result = await task((text) => {
          if (step.text === text) return
          step.text = text
          if (!live) write(`  … ${title}: ${text}`)
        })
        mark = '✓'
        return result
      } finally {
        running.delete(step)
        write(`  ${mark} ${title} ${secondsSince(step.start)}`)
        if (running.size === 0) {
          clearInterval(timer)
          timer = undefined
        }
      }
    },
  }
}
