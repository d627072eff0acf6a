import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createBridge } from '../../bridge/bridge.ts'
import { createConsoleCore } from '../../index.ts'
import { systemRandom } from '../../lib/clock.ts'
import { dataDirectory } from '../data-directory.ts'
import { VERSION } from '../version.ts'
import { startWebServer } from './server.ts'

/** Composition root of the web shell: the same renderer and bridge as the window, for this machine's browsers. */

const USAGE =
  'pilothouse web shell: serves the console on loopback.\n\n  --port PORT      0 or absent for any free one\n  --data-dir PATH  where the list of hosts is kept\n'
const TOKEN_BYTES = 32
/** Beside this file once built: out/main and out/renderer. */
const RENDERER = fileURLToPath(new URL('../renderer', import.meta.url))

class UsageError extends Error {}

function options() {
  try {
    const { values } = parseArgs({
      options: { port: { type: 'string', default: '0' }, 'data-dir': { type: 'string' }, help: { type: 'boolean' } },
    })
    const port = Number(values.port)
    if (!/^[0-9]+$/.test(values.port) || port > 65_535) throw new Error('--port must be a number from 0 to 65535.')
    return { port, help: values.help ?? false, dataDir: values['data-dir'] ?? dataDirectory(process.env, homedir()) }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The options cannot be understood.')
  }
}

async function main(): Promise<void> {
  const { port, help, dataDir } = options()
  if (help) {
    process.stdout.write(USAGE)
    return
  }
  const core = createConsoleCore({ dataDirectory: dataDir, shell: 'web', version: VERSION })
  try {
    const server = await startWebServer(createBridge(core), {
      root: RENDERER,
      port,
      token: systemRandom.hex(TOKEN_BYTES),
    })
    core.start()
    process.stdout.write(`Pilothouse is served at ${server.address}\n`)
    const stop = (): void => {
      void server.close().finally(() => core.dispose())
    }
    process.once('SIGINT', stop).once('SIGTERM', stop)
  } catch (error) {
    core.dispose()
    throw error
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
})
