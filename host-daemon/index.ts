import { createResticRepositories } from './backups/repositories.ts'
import { runCommandLine } from './cli/command-line.ts'
import { requireNode } from './cli/require-node.ts'
import { runDaemon, type RunningDaemon } from './cli/run-daemon.ts'
import { VERSION } from './cli/version.ts'
import { daemonOptionsOf } from './config/daemon-options.ts'
import { repositoryOptionsOf } from './config/repository-options.ts'
import type { Settings } from './config/settings.ts'
import { ConsoleService } from './consoles/console-service.ts'
import { Retention } from './consoles/retention.ts'
import { typingRecorder } from './consoles/typing-record.ts'
import { createDaemon } from './daemon.ts'
import { createQemuDriver } from './drivers/qemu/qemu-driver.ts'
import { createImageCatalogue } from './images/catalogue.ts'
import type { Logger } from './logging/logger.ts'
import { WebSocketConsoles } from './server/console-endpoint.ts'
import { startServer } from './server/server.ts'
import { checkDatabase } from './store/check-database.ts'
import { SystemClock } from './system/clock.ts'
import { openConsoleSpace } from './system/console-space.ts'
import { processSurroundings } from './system/process-surroundings.ts'
import { SystemRandom } from './system/random.ts'
import { holdState, keepPrivate } from './system/state-directory.ts'
import { UndoStack } from './system/undo-stack.ts'

const clock = new SystemClock()
const random = new SystemRandom()

/** The whole daemon, put together: the only place that knows all of its parts. Undone in reverse, however it ends. */
async function startWholeDaemon(settings: Settings, logger: Logger): Promise<RunningDaemon> {
  const undo = new UndoStack()
  try {
    await startParts(settings, logger, undo)
    return { stop: () => undo.run() }
  } catch (error) {
    await undo.run()
    throw error
  }
}

async function startParts(settings: Settings, logger: Logger, undo: UndoStack): Promise<void> {
  const shared = { clock, random, logger }
  const state = await holdState(settings.stateDirectory)
  undo.push(() => state.release())
  await checkDatabase(state.database)
  await keepPrivate(state.database)
  const repositories = createResticRepositories({ ...repositoryOptionsOf(settings, state), clock, random })
  const { consoleSpaceMiB: spaceMiB } = settings
  const space = await openConsoleSpace({ stateDirectory: state.path, spaceMiB, logger })
  undo.push(() => space.release())
  const images = createImageCatalogue(state.images)
  const qemu = await createQemuDriver({
    ...shared,
    runDirectory: state.run,
    homesDirectory: state.homes,
    journalDirectory: space.directory,
    accelerator: settings.accelerator,
    images,
  })
  const options = daemonOptionsOf(settings, { version: VERSION, hasBoundedConsoles: space.isBounded })
  const daemon = createDaemon({
    ...shared,
    databasePath: state.database,
    options,
    drivers: [qemu],
    images,
    repositories,
    folders: state,
  })
  undo.push(() => daemon.stop())
  const { router, bootDirectory: directory } = daemon
  const retention = new Retention({
    ...shared,
    directory,
    journalDirectory: space.directory,
    isBounded: space.isBounded,
    bytesPerBoot: settings.consoleBytesPerBoot,
    spaceBytes: spaceMiB * 1024 * 1024,
  })
  // First of all: what a flood did to the space while there was no daemon is marked before anything is freed.
  await retention.look()
  await daemon.start()
  retention.start()
  undo.push(() => retention.stop())
  const consoles = new ConsoleService({ directory, clock, recordTyping: typingRecorder(daemon, logger) })
  undo.push(() => consoles.dispose())
  const endpoint = new WebSocketConsoles(consoles)
  const server = await startServer({ ...shared, settings, version: VERSION, router, consoles: endpoint })
  undo.push(() => server.stop())
}

requireNode()
const exit = (code: number): void => process.exit(code)
process.exitCode = await runCommandLine(process.argv.slice(2), {
  ...processSurroundings(),
  clock,
  run: (settings) => runDaemon(settings, { clock, exit, start: startWholeDaemon }),
})
