import { Command, CommanderError } from 'commander'
import type { Clock } from '../../src-shared/lib/clock.ts'
import { DEFAULT_SETTINGS_PATH, loadSettings, SettingsError, type Settings } from '../config/settings.ts'
import { EXIT } from './exit-codes.ts'
import { buildNamedImage, listImages, type Terminal } from './image-commands.ts'
import { VERSION } from './version.ts'

export interface CommandLineOptions {
  readonly clock: Clock
  readonly terminal: Terminal
  /** The process's environment; settings come from it. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Runs the daemon to its end and answers the exit code. */
  run(settings: Settings): Promise<number>
}

/** `pilothoused …`: answers the exit code. Never rejects. */
export async function runCommandLine(args: readonly string[], options: CommandLineOptions): Promise<number> {
  const outcome = { exitCode: EXIT.done as number }
  try {
    await createProgram(options, outcome).parseAsync(withCommand(args), { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    return explain(error, options.terminal)
  }
}

/** Without a command the daemon is run. */
function withCommand(args: readonly string[]): string[] {
  const isBare = args.length === 0 || args[0]?.startsWith('--config') === true
  return isBare ? ['run', ...args] : [...args]
}

interface ConfigOption {
  readonly config?: string
}

function createProgram(options: CommandLineOptions, outcome: { exitCode: number }): Command {
  const { terminal, clock } = options
  const program = new Command('pilothoused')
    .description('Runs the microVM environments of this host and serves them on three role sockets.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.error(text.trimEnd()),
    })
  const withSettings = (work: (settings: Settings, ...names: string[]) => Promise<void>) => {
    return async (...args: [...names: string[], found: ConfigOption, command: Command]): Promise<void> => {
      const { config } = args.at(-2) as ConfigOption
      const names = args.slice(0, -2) as string[]
      await work(await settingsFor(config, options), ...names)
    }
  }
  configurable(program.command('run').description('Run the daemon until it is told to end (the default).')).action(
    withSettings(async (settings) => {
      outcome.exitCode = await options.run(settings)
    }),
  )
  const image = program.command('image').description('Images that guests boot.')
  configurable(
    image.command('build').argument('<name>').description('Build an image from Debian packages, as root.'),
  ).action(withSettings((settings, name = '') => buildNamedImage(name, settings, { clock, terminal })))
  configurable(image.command('list').description('Images built on this host.')).action(
    withSettings((settings) => listImages(settings, terminal)),
  )
  configurable(program.command('settings').description('Print the settings in effect, as JSON.')).action(
    withSettings(async (settings) => terminal.out(JSON.stringify(await Promise.resolve(settings), null, 2))),
  )
  return program
}

function configurable(command: Command): Command {
  return command.option('--config <path>', `settings file (default: ${DEFAULT_SETTINGS_PATH}, which may be absent)`)
}

async function settingsFor(config: string | undefined, { environment }: CommandLineOptions): Promise<Settings> {
  return await loadSettings({ environment, ...(config === undefined ? {} : { filePath: config }) })
}

/** Commander has written its own words already. */
function explain(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (error instanceof SettingsError) {
    for (const problem of error.problems) terminal.error(`pilothoused: ${problem}`)
    return EXIT.usage
  }
  terminal.error(`pilothoused: ${error instanceof Error ? error.message : String(error)}`)
  return EXIT.failed
}
