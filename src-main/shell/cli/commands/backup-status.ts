import type { Freshness } from '../../../../src-shared/model/backup.ts'
import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../../src-shared/contract/daemon.ts'
import { checkInput, send } from '../call.ts'
import { AnsweredWith } from '../exit-codes.ts'
import { inputOf, type Field } from '../fields.ts'
import type { Invocation } from '../invocation.ts'
import { backupFacts, backupTable } from '../render/backup.ts'
import { SPELLINGS } from '../spelling.ts'
import { fieldsOfCall, summaryOf } from './call-command.ts'
import { addFields, givenFields } from './field-options.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

const CALL = 'backups.status'
type Answer = CallOutput<DaemonContract, typeof CALL>

/** What a monitor is to be told of; without a home there is nothing to protect. */
const UNPROTECTED: ReadonlySet<Freshness['kind']> = new Set(['stale', 'missing', 'unavailable'])

/** `backup status [ENV]`: the fleet of one host by risk, or all of one environment. */
export function addBackupStatusCommand({ program, perform }: Place): void {
  const fields = fieldsOfCall(CALL)
  const command = commandAt(program, SPELLINGS[CALL].words).description(
    `${summaryOf(CALL)} Of all environments, what needs someone first comes first.`,
  )
  addFields(command, fields, () => true)
  command.option(
    '--exit-code',
    'for monitoring: end with status 18 when any of what is listed is stale, missing or unavailable',
  )
  command.action(() => {
    const input = inputOf(fields, givenFields(command, fields))
    const hasExitCode = command.opts<{ exitCode?: boolean }>().exitCode === true
    return perform(command, (invocation) => showStatus({ input, fields, hasExitCode }, invocation))
  })
}

interface Asked {
  readonly input: Record<string, unknown>
  readonly fields: readonly Field[]
  readonly hasExitCode: boolean
}

async function showStatus({ input, fields, hasExitCode }: Asked, invocation: Invocation): Promise<void> {
  checkInput(CALL, input, fields)
  const session = await invocation.connect()
  const answer = (await send(session, { name: CALL, input }, invocation)) as Answer
  invocation.output.item(answer, () =>
    input['environment'] === undefined ? backupTable(answer) : answer.rows.map(backupFacts).join('\n\n'),
  )
  if (hasExitCode && answer.rows.some(({ freshness }) => UNPROTECTED.has(freshness.kind)))
    throw new AnsweredWith('unprotected')
}
