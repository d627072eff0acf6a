import type { Command } from 'commander'
import { labelKeySchema } from '../../../../src-shared/model/labels.ts'
import { STARTUP_LIMITS, startupPathSchema, variableNameSchema } from '../../../../src-shared/model/startup.ts'
import { assignmentOf, assignmentsOf } from '../assignment.ts'
import { localText } from '../local-text.ts'
import type { Extension } from './call-command.ts'

interface SpawnOptions {
  readonly label?: readonly string[]
  readonly startupCommand?: string
  readonly env?: readonly string[]
  readonly variablesFile?: readonly string[]
  readonly file?: readonly string[]
}

const VARIABLE = { form: 'NAME=VALUE', name: variableNameSchema }

/** Labels and what the guest is told at its start. Values are read, sent, and never shown again. */
export const SPAWN_OPTIONS: Extension = {
  addTo: (command) => {
    repeatable(command, '--label <key=value>', 'a label; may be repeated')
    command.option('--startup-command <text>', "run by the guest's shell at every start, as the guest's root")
    repeatable(
      command,
      '--env <name=value>',
      'a variable for it; other users of this machine may see it, unlike --variables-file',
    )
    // Not --env-file: Node.js takes that for its own, wherever it stands, and runs with the guest's variables.
    repeatable(
      command,
      '--variables-file <file>',
      'NAME=VALUE lines; # begins a comment line; the value is all that follows =',
    )
    repeatable(
      command,
      '--file <path=file>',
      'a small text file of this machine, for the guest at this relative path, executable there where it is here',
    )
  },
  read: (command) => spawnExtras(command.opts<SpawnOptions>()),
}

function repeatable(command: Command, flags: string, says: string): void {
  command.option(flags, says, (word: string, before: readonly string[] | undefined) => [...(before ?? []), word])
}

async function spawnExtras(options: SpawnOptions): Promise<Record<string, unknown>> {
  const { label, startupCommand: command, env = [], variablesFile = [], file = [] } = options
  const labels = label && assignmentsOf(label, { place: '--label', form: 'KEY=VALUE', name: labelKeySchema })
  const variables = { ...(await variablesOf(variablesFile)), ...assignmentsOf(env, { place: '--env', ...VARIABLE }) }
  const startup = {
    ...(command === undefined ? {} : { command }),
    ...(env.length + variablesFile.length === 0 ? {} : { variables }),
    ...(file.length === 0 ? {} : { files: await Promise.all(file.map(startupFile)) }),
  }
  return { ...(labels && { labels }), ...(Object.keys(startup).length > 0 && { startup }) }
}

/** Of several files that name a variable, the last one's value is taken; of one file's lines, none may name it twice. */
async function variablesOf(files: readonly string[]): Promise<Record<string, string>> {
  const read = await Promise.all(files.map(variablesIn))
  return Object.assign({}, ...read) as Record<string, string>
}

async function variablesIn(path: string): Promise<Record<string, string>> {
  const { text } = await localText(path, { place: '--variables-file', maxBytes: STARTUP_LIMITS.totalBytes })
  const lines = text.split(/\r?\n/).map((line, index) => ({ line, place: `${path} line ${index + 1}` }))
  const said = lines.filter(({ line }) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  for (const { line, place } of said) assignmentOf(line, { place, ...VARIABLE })
  return assignmentsOf(
    said.map(({ line }) => line),
    { place: path, ...VARIABLE },
  )
}

async function startupFile(word: string): Promise<{ path: string; content: string; isExecutable: boolean }> {
  const [path, local] = assignmentOf(word, { place: '--file', form: 'PATH=FILE', name: startupPathSchema })
  const read = await localText(local, { place: `--file ${path}`, maxBytes: STARTUP_LIMITS.fileBytes })
  return { path, content: read.text, isExecutable: read.isExecutable }
}
