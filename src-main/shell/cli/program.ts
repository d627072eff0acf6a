import { Command } from 'commander'
import { addActivityCommands } from './commands/activity.ts'
import { addBackupStatusCommand } from './commands/backup-status.ts'
import { addPolicyCommand } from './commands/backup-policy.ts'
import { addCallCommand } from './commands/call-command.ts'
import { addConsoleCommand } from './commands/console.ts'
import { CHECK_OPTIONS } from './commands/check-options.ts'
import { addDangerousCommand, CLEAN_UP, DESTROY, DROP, RESET, RESTORE, UNDO } from './commands/dangerous.ts'
import { addGenericCall } from './commands/generic-call.ts'
import { addHostCommands } from './commands/hosts.ts'
import { addLabelCommand } from './commands/label.ts'
import type { Perform, Place } from './commands/perform.ts'
import { SPAWN_OPTIONS } from './commands/spawn-options.ts'
import { addWatchCommand } from './commands/watch.ts'
import { SPELLINGS, type DaemonCallName } from './spelling.ts'
import { HOST_VARIABLE, SOCKET_VARIABLE } from './target.ts'

/** Commands of more than one call, or with words of their own, at the place of the call that they belong to. */
const OWN_COMMANDS: Partial<Record<DaemonCallName, (place: Place) => void>> = {
  'environments.spawn': (place) => addCallCommand(place, 'environments.spawn', SPAWN_OPTIONS),
  'environments.setLabels': addLabelCommand,
  'environments.reset.plan': () => undefined,
  'environments.reset.run': (place) => addDangerousCommand(place, RESET),
  'environments.destroy.plan': () => undefined,
  'environments.destroy.run': (place) => addDangerousCommand(place, DESTROY),
  'backups.status': addBackupStatusCommand,
  'backups.check': (place) => addCallCommand(place, 'backups.check', CHECK_OPTIONS),
  'backups.setPolicy': addPolicyCommand,
  'restore.run': (place) => addDangerousCommand(place, RESTORE),
  'undo.plan': () => undefined,
  'undo.run': (place) => addDangerousCommand(place, UNDO),
  'drop.plan': () => undefined,
  'drop.run': (place) => addDangerousCommand(place, DROP),
  'operations.wait': (place) => {
    addWatchCommand(place)
    addCallCommand(place, 'operations.wait')
  },
  'activity.head': addActivityCommands,
  'drift.plan': () => undefined,
  'drift.run': (place) => addDangerousCommand(place, CLEAN_UP),
}

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
    const addOwn = OWN_COMMANDS[name]
    if (addOwn === undefined) addCallCommand(place, name)
    else addOwn(place)
  }
  addConsoleCommand(place)
  addGenericCall(place)
  return program
}
