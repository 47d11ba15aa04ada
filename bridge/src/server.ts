import { buildApp } from './app.ts'
import { ConfigError, loadConfig } from './config.ts'

/** The process: reads the environment, listens, and on SIGTERM finishes what is in flight. */
async function main(): Promise<void> {
  const config = loadConfig(process.env)
  const app = await buildApp(config)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      app.log.info({ signal }, 'stopping')
      void app.close()
    })
  }
  await app.listen({ host: config.HOST, port: config.PORT })
}

main().catch((error: unknown) => {
  const text =
    error instanceof ConfigError ? error.message : String((error as Error).stack ?? error)
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
})
