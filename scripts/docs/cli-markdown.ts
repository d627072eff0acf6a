import type { Command } from 'commander'
import { EXIT_OF_CODE, EXITS, type Exit } from '../../src-main/shell/cli/exit-codes.ts'
import { buildProgram } from '../../src-main/shell/cli/program.ts'
import { ERROR_CODES } from '../../src-shared/error.ts'
import { tableOf } from './shape-text.ts'

const INTRODUCTION = `# Command line

<!-- Generated from src-main/shell/cli by \`npm run docs\`; a test fails when it is stale. -->

\`pilothouse\` speaks the daemon's calls for scripts and terminals: to a host of the console's own list, over SSH
(\`--host NAME\`), or to a role socket on this machine (\`--socket PATH\`). The flags win over the variables
\`PILOTHOUSE_HOST\` and \`PILOTHOUSE_SOCKET\`; with neither, the command is refused: no host is ever assumed.
The list of hosts is the one that the window shows; \`XDG_CONFIG_HOME\` moves it.

With \`--json\`, stdout carries JSON alone: one document, or one a line for streams; an error is
\`{"error": {"code", "message", "hint", "retryable", "requestId", "details"}}\` on stderr. Without it, tables for people,
and errors as a sentence, a hint and the request id. Progress is drawn on stderr, on a terminal only.

A guest's console is drawn on a terminal without what would act on it (clipboard, title, answer-back); into a pipe or
a file go exactly the guest's bytes. \`Ctrl-]\` leaves a console.
`

function exitTable(): string {
  const rows = (Object.keys(EXITS) as Exit[]).map((exit) => {
    const codes = ERROR_CODES.filter((code) => EXIT_OF_CODE[code] === exit).map((code) => `\`${code}\``)
    return [String(EXITS[exit].status), EXITS[exit].means, codes.join(', ')]
  })
  return tableOf(['status', 'means', 'error codes'], rows)
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

function optionRows(command: Command): string[][] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
    .map((option) => [`\`${option.flags}\`${option.mandatory ? ' (required)' : ''}`, option.description])
}

function section(command: Command): string {
  const help = command.createHelp()
  const rows = [
    ...help.visibleArguments(command).map((argument) => {
      const name = help.argumentTerm(argument)
      return [argument.required ? `\`<${name}>\`` : `\`[${name}]\``, argument.description]
    }),
    ...optionRows(command),
  ]
  const usage = `\`\`\`\n${wordsOf(command)} ${command.usage()}\n\`\`\``
  const table = rows.length === 0 ? [] : [tableOf(['argument or option', 'says'], rows)]
  return [`### ${wordsOf(command)}`, command.description(), usage, ...table].join('\n\n')
}

/** docs/cli.md, whole. */
export function renderCliMarkdown(): string {
  const program = buildProgram('', () => Promise.resolve())
  return [
    INTRODUCTION.trimEnd(),
    `## Options of every command\n\n${tableOf(['option', 'says'], optionRows(program))}`,
    `## Exit status\n\n${exitTable()}`,
    '## Commands',
    ...leavesOf(program).map(section),
  ]
    .join('\n\n')
    .concat('\n')
}
