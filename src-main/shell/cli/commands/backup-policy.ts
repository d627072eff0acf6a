import type { Command } from 'commander'
import type { BackupPolicy, BackupStatus, Retention } from '../../../../src-shared/model/backup.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import { environmentRefSchema, type EnvironmentRef } from '../../../../src-shared/model/ids.ts'
import { checkInput, send } from '../call.ts'
import type { Invocation } from '../invocation.ts'
import type { DaemonSession } from '../ports.ts'
import { backupFacts } from '../render/backup.ts'
import { SPELLINGS } from '../spelling.ts'
import { usageError } from '../usage-error.ts'
import { summaryOf } from './call-command.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

const CALL = 'backups.setPolicy'
const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const satisfies (keyof Retention)[]

/** A number, or the word that stands for none. */
type Wanted = number | null | undefined

interface Changes {
  readonly keep: Readonly<Partial<Record<keyof Retention, number | null>>>
  readonly intervalMinutes: Wanted
  readonly freshnessMinutes: Wanted
  readonly drillIntervalHours: Wanted
}

/**
 * `backup policy ENV`: shows it, or changes what is named and leaves the rest. The whole policy is read, changed and
 * sent; of two people who do so at the same moment, the later one's stands.
 */
export function addPolicyCommand({ program, perform }: Place): void {
  const command = commandAt(program, SPELLINGS[CALL].words)
    .description(`Show the backup policy of an environment, or change what is named of it. ${summaryOf(CALL)}`)
    .argument('<environment>', 'an environment id (env- and 8 hex digits) or an environment name')
    .option('--every-minutes <number|never>', 'from one scheduled backup to the next; from 5 to 44640')
    .option(
      '--stale-after-minutes <number|derived>',
      'how old a healthy newest point may be; derived from the schedule',
    )
    .option('--drill-every-hours <number|never>', 'from one scheduled drill of the newest point to the next')
  for (const rule of RULES) command.option(`--keep-${rule} <number|none>`, `how many points the rule "${rule}" keeps`)
  command.option('--host-default', "give up its own policy and follow the host's")
  command.action((environment: string) =>
    perform(command, (invocation) => policy(environment, changesOf(command), invocation)),
  )
}

/** Null asks for the host's policy; undefined for none to be changed. */
function changesOf(command: Command): Changes | null | undefined {
  const { hostDefault, ...words } = command.opts<Record<string, string | undefined> & { hostDefault?: boolean }>()
  const given = Object.keys(words).length
  if (hostDefault === true) {
    if (given > 0) throw usageError("--host-default gives up the environment's own policy; name nothing else with it.")
    return null
  }
  if (given === 0) return undefined
  const keep = RULES.map((rule) => {
    const key = `keep${rule.charAt(0).toUpperCase()}${rule.slice(1)}`
    return [rule, numberOf(words[key], { flag: `--keep-${rule}`, none: 'none' })] as const
  })
  return {
    keep: Object.fromEntries(keep.filter(([, count]) => count !== undefined)),
    intervalMinutes: numberOf(words['everyMinutes'], { flag: '--every-minutes', none: 'never' }),
    freshnessMinutes: numberOf(words['staleAfterMinutes'], { flag: '--stale-after-minutes', none: 'derived' }),
    drillIntervalHours: numberOf(words['drillEveryHours'], { flag: '--drill-every-hours', none: 'never' }),
  }
}

function numberOf(word: string | undefined, { flag, none }: { flag: string; none: string }): Wanted {
  if (word === undefined) return undefined
  if (word === none) return null
  if (!/^\d{1,9}$/.test(word)) throw usageError(`${flag}: must be a whole number or ${none}.`)
  return Number(word)
}

async function policy(word: string, changes: Changes | null | undefined, invocation: Invocation): Promise<void> {
  const environment = refOf(word)
  const session = await invocation.connect()
  const put = (wanted: BackupPolicy | null) => sendPolicy({ environment, policy: wanted }, session, invocation)
  const read = () => readStatus(environment, session, invocation)
  const status =
    changes === null
      ? await put(null)
      : changes === undefined
        ? await read()
        : await put(changed((await read()).policy, changes))
  invocation.output.item(status, () => backupFacts(status))
}

async function readStatus(
  environment: EnvironmentRef,
  session: DaemonSession,
  invocation: Invocation,
): Promise<BackupStatus> {
  const { rows } = await session.client.backups.status({ environment }, invocation.callOptions)
  if (rows[0] !== undefined) return rows[0]
  throw new PilothouseError('not_found', `The host tells nothing of the backups of ${environment}.`)
}

async function sendPolicy(input: object, session: DaemonSession, invocation: Invocation): Promise<BackupStatus> {
  checkInput(CALL, input)
  return (await send(session, { name: CALL, input }, invocation)) as BackupStatus
}

function refOf(word: string): EnvironmentRef {
  const parsed = environmentRefSchema.safeParse(word)
  if (parsed.success) return parsed.data
  throw usageError(`ENVIRONMENT: ${parsed.error.issues[0]?.message ?? 'is malformed'}.`)
}

function changed(before: BackupPolicy, { keep, ...changes }: Changes): BackupPolicy {
  const rules = Object.entries({ ...before.keep, ...keep }).filter(([, count]) => count !== null)
  return {
    keep: Object.fromEntries(rules),
    intervalMinutes: changes.intervalMinutes === undefined ? before.intervalMinutes : changes.intervalMinutes,
    freshnessMinutes: changes.freshnessMinutes === undefined ? before.freshnessMinutes : changes.freshnessMinutes,
    drillIntervalHours:
      changes.drillIntervalHours === undefined ? before.drillIntervalHours : changes.drillIntervalHours,
  }
}
