import { Command } from 'commander'
import { addCallCommand } from './commands/call-command.ts'
import { addConsoleCommand } from './commands/console.ts'
import { addDestroyCommand } from './commands/destroy.ts'
import { addGenericCall } from './commands/generic-call.ts'
import { addHostCommands } from './commands/hosts.ts'
import type { Perform } from './commands/perform.ts'
import { SPELLINGS, type DaemonCallName } from './spelling.ts'
import { HOST_VARIABLE, SOCKET_VARIABLE } from './target.ts'

/** The whole command line. Nothing runs until it is parsed; `perform` runs what was asked. */
export function buildProgram(version: string, perform: Perform): Command {
  const program = new Command('pilothouse')
    .description('Fleets of microVM environments with durable homes, from scripts and terminals.')
    .version(version)
    .option('--host <name>', `a host of this console's list, over SSH (or ${HOST_VARIABLE})`)
    .option('--socket <path>', `a role socket of a daemon on this machine (or ${SOCKET_VARIABLE})`)
    .option('--json', 'one JSON document on stdout, or one a line for streams; errors as JSON on stderr')
    .configureHelp({ showGlobalOptions: true })
  const place = { program, perform }
  addHostCommands(place)
  for (const name of Object.keys(SPELLINGS) as DaemonCallName[]) {
    if (!name.startsWith('environments.destroy.')) addCallCommand(place, name)
  }
  addDestroyCommand(place)
  addConsoleCommand(place)
  addGenericCall(place)
  return program
}
