import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { fromRoot } from '../../../scripts/lib/paths.ts'
import { buildProgram } from '../../../src-main/shell/cli/program.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { PHASES } from '../../../src-shared/model/environment.ts'
import { cli } from '../../support/cli-run.ts'

const text = await readFile(fromRoot('docs/runbook.md'), 'utf8')

/** Every `pilothouse …`, in code inside a line or as a line of a block. */
const COMMANDS = [...text.matchAll(/`(pilothouse [^`]+)`|^\s*(pilothouse .+)$/gm)].map(([, inline, line]) =>
  (inline ?? line ?? '').replaceAll('\n', ' ').trim(),
)

/** As a shell would: words, and words in double quotes. */
function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  return words.slice(1)
}

/** The command that the words reach; throws what commander complains of. Nothing is run. */
async function reachedBy(words: readonly string[]): Promise<string> {
  let reached = ''
  const program = buildProgram('', (command) => {
    reached = command.name()
    return Promise.resolve()
  })
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]
  for (const command of all(program)) command.exitOverride().configureOutput({ writeErr: () => undefined })
  await program.parseAsync([...words], { from: 'user' })
  return reached
}

/** Commands of the console's own, those that wait for the host by themselves, and those that first read a file of a person's. */
const NOT_SENT_AT_ONCE = /^pilothouse (hosts|env console)\b|--head-file/

describe('the runbook', () => {
  it('has commands', () => {
    expect(COMMANDS.length).toBeGreaterThan(40)
  })

  it.each(COMMANDS)('%s is a command', async (command) => {
    expect(await reachedBy(wordsOf(command))).not.toBe('')
  })

  const asked = COMMANDS.filter((command) => !NOT_SENT_AT_ONCE.test(command))
  it.each(asked)('%s would be sent as it stands', async (command) => {
    const openSession = () => Promise.reject(new PilothouseError('host_unreachable', 'This test has no host.'))
    const env = command.includes('--host') ? {} : { PILOTHOUSE_HOST: 'vm-7' }
    expect(await cli(wordsOf(command), { env, openSession })).toMatchObject({ status: 5, stdout: '' })
  })

  it('has a branch for every phase that a start can be stuck in', () => {
    for (const phase of PHASES.filter((each) => each !== 'ready')) expect(text).toContain(`- **\`${phase}\`**`)
  })

  it('links only to headings that it has', () => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const [, anchor] of text.matchAll(/\]\(#([^)]+)\)/g)) expect(headings).toContain(anchor)
  })

  it('ends every tree in an action', () => {
    const trees = text.split(/^## /m).slice(2)
    expect(trees.length).toBeGreaterThan(7)
    for (const tree of trees) expect(tree, tree.split('\n')[0]).toMatch(/\*\*Action: [^*]+\*\*/)
  })
})
