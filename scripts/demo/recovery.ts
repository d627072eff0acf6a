import { randomBytes } from 'node:crypto'
import {
  environmentNameSchema,
  imageRefSchema,
  recoveryPointRefSchema,
  type EnvironmentId,
  type RecoveryPointId,
} from '../../src-shared/model/ids.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Teardown } from '../lib/teardown.ts'
import type { Progress } from '../quickstart/progress.ts'
import { DaemonCalls, type RunningGuest } from './daemon-calls.ts'
import type { DemoConsole } from './console-of.ts'
import { GuestShell } from './guest-shell.ts'
import type { DaemonSession } from '../../src-main/shell/cli/ports.ts'

/** A console, and the host of its list on which the journey is made. */
export interface DemoPlace extends DemoConsole {
  readonly host: string
  /** kill -9 of the guest's process; where it is out of reach, the guest is made to end as if it lost its power. */
  killGuest?(bootId: string): Promise<void>
}

/** What `npm run demo:recovery` prints beside the times of its steps, as one JSON line. */
export interface RecoveryTimes {
  readonly host: string
  readonly environment: string
  readonly point: string
  /** What it was broken with. */
  readonly brokenBy: 'kill -9' | 'power-off'
}

const IMAGE = imageRefSchema.parse('minimal@1')
const FILE = '/home/pilothouse-demo.txt'
const ABSENT = 'absent'
/** Nothing but what the journey asks for is to happen to its environment. */
const UNSCHEDULED = { intervalMinutes: null, keep: { last: 5 }, freshnessMinutes: null, drillIntervalHours: null }

interface Journey {
  readonly place: DemoPlace
  readonly session: DaemonSession
  readonly calls: DaemonCalls
  readonly progress: Progress
  readonly environment: EnvironmentId
  /** What the file holds while it is there. */
  readonly written: string
}

/**
 * Spawn, write, back up, break, recover, reset, restore, undo, on a real guest and by what its own shell says of the file.
 * Throws at the first difference, saying what differed. The environment is destroyed by `teardown`, whatever happened.
 */
export async function demonstrateRecovery(
  place: DemoPlace,
  progress: Progress,
  teardown: Teardown,
): Promise<RecoveryTimes> {
  const closing = new AbortController()
  const session = await progress.time('connect', () => place.connect(place.host, closing.signal))
  teardown.defer('the connection', () => {
    closing.abort()
    session.dispose()
    return Promise.resolve()
  })
  const calls = new DaemonCalls(session)
  const { role, user, hostName } = await calls.client.hello({}, calls.options)
  if (role !== 'admin')
    throw new Error(`${hostName} takes you for ${user}, ${role}; this needs an admin, who may undo it all`)
  const written = randomBytes(16).toString('hex')
  const name = `demo-${written.slice(0, 6)}`
  progress.say(`Making the environment ${name} on ${place.host}.`)
  const environment = await progress.time('spawn', () => spawn(calls, name, teardown))
  const journey = { place, session, calls, progress, environment, written }
  const { point, brokenBy } = await there(journey)
  await andBack(journey, point)
  await progress.time('destroy', () => destroy(calls, environment))
  progress.say('Destroyed it.')
  return { host: place.host, environment: name, point, brokenBy }
}

async function spawn(calls: DaemonCalls, name: string, teardown: Teardown): Promise<EnvironmentId> {
  const owners = await calls.client.owners.list({}, calls.options)
  const owner = owners.find(
    ({ isActive, limit, environmentCount }) => isActive && (limit === 'unlimited' || environmentCount < limit),
  )
  if (owner === undefined) throw new Error('no active owner of the host may have another environment')
  const input = {
    commandId: calls.commandId(),
    name: environmentNameSchema.parse(name),
    owner: owner.name,
    image: IMAGE,
  }
  const accepted = await calls.client.environments.spawn(input, calls.options)
  const environment = accepted.environmentId
  teardown.defer(`the environment ${name}`, () => destroy(calls, environment))
  await calls.ended(accepted)
  await calls.client.backups.setPolicy({ environment, policy: UNSCHEDULED }, calls.options)
  return environment
}

/** Also after a failure in the middle; once it is destroyed, nothing happens. */
async function destroy(calls: DaemonCalls, environment: EnvironmentId): Promise<void> {
  const { environments } = await calls.client.environments.list({}, calls.options)
  if (!environments.some(({ id }) => id === environment)) return
  const running = await calls.client.operations.list({ environment, isRunning: true, limit: 100 }, calls.options)
  for (const { id } of running) await calls.client.operations.cancel({ id }, calls.options).catch(() => undefined)
  for (const operation of running) await calls.ended(operation).catch(() => undefined)
  await calls.confirmed(calls.client.environments.destroy, environment)
}

/** Until the home is gone, with a point of it left. */
async function there(journey: Journey): Promise<{ point: RecoveryPointId; brokenBy: RecoveryTimes['brokenBy'] }> {
  const { calls, progress, environment, written } = journey
  await progress.time('write', () => inGuest(journey, (shell) => shell.type(` printf %s ${written} > ${FILE}; sync`)))
  await expectFile(journey, 'after it was written', written)
  progress.say('Wrote a file into its home, through its console.')
  const point = await progress.time('backUp', () => backUp(calls, environment))
  progress.say(`Backed it up: point ${point.slice(0, 16)}.`)
  const brokenBy = await progress.time('break', () => breakGuest(journey))
  await progress.time('recover', async () => {
    const input = { commandId: calls.commandId(), environment }
    return calls.ended(await calls.client.environments.recover(input, calls.options))
  })
  await expectFile(journey, 'after the guest was broken and recovered', written)
  progress.say(`Broke it (${brokenBy}) and recovered it: the file is still there.`)
  await progress.time('reset', () => calls.confirmed(calls.client.environments.reset, environment))
  await expectFile(journey, 'after the reset', ABSENT)
  progress.say('Reset it: the file is gone with its home.')
  return { point, brokenBy }
}

async function andBack(journey: Journey, point: RecoveryPointId): Promise<void> {
  const { calls, progress, environment, written } = journey
  const { restore, undo } = calls.client
  const ofPoint = {
    plan: (input: { environment: EnvironmentId }, options: DaemonCalls['options']) =>
      restore.plan({ ...input, point: recoveryPointRefSchema.parse(point) }, options),
    run: restore.run,
  }
  const restored = await progress.time('restore', () => calls.confirmed(ofPoint, environment))
  if (resultOf(restored, 'restore').pointId !== point) throw new Error('the restore says that it used another point')
  await expectFile(journey, 'after the restore', written)
  progress.say('Restored the point: the file is back.')
  await progress.time('undo', () => calls.confirmed(undo, environment))
  await expectFile(journey, 'after the undo', ABSENT)
  progress.say('Took the restore back: the file is gone again.')
}

async function backUp(calls: DaemonCalls, environment: EnvironmentId): Promise<RecoveryPointId> {
  const accepted = await calls.client.backups.now({ commandId: calls.commandId(), environment }, calls.options)
  const { pointId } = resultOf(await calls.ended(accepted), 'backup')
  const points = await calls.client.backups.points({ environment }, calls.options)
  if (!points.some(({ id }) => id === pointId)) throw new Error('the point that was made is not in the list of points')
  return pointId
}

function resultOf<Kind extends OperationResult['kind']>(
  { result, kind: asked }: Operation,
  kind: Kind,
): Extract<OperationResult, { kind: Kind }> {
  if (result?.kind !== kind) throw new Error(`the ${asked} does not say what came of it`)
  return result as Extract<OperationResult, { kind: Kind }>
}

/** Resolves when the daemon knows that the guest is gone. */
async function breakGuest(journey: Journey): Promise<RecoveryTimes['brokenBy']> {
  const { place, calls, environment } = journey
  const guest = await calls.running(environment)
  const isOutOfReach = place.killGuest === undefined
  if (isOutOfReach) await inGuest(journey, (shell) => shell.type(' echo o > /proc/sysrq-trigger'))
  else await place.killGuest?.(guest.bootId)
  const { observed } = await calls.sawItEnd(guest)
  if (observed.kind === 'running') throw new Error('the guest is in another boot before anyone has recovered it')
  return isOutOfReach ? 'power-off' : 'kill -9'
}

async function inGuest<T>(journey: Journey, work: (shell: GuestShell, guest: RunningGuest) => Promise<T>): Promise<T> {
  const guest = await journey.calls.running(journey.environment)
  const shell = new GuestShell(journey.session, guest)
  try {
    return await work(shell, guest)
  } finally {
    shell.close()
  }
}

/** What the guest itself says of the file. */
async function expectFile(journey: Journey, when: string, wanted: string): Promise<void> {
  const seen = await inGuest(journey, (shell) => shell.ask(`cat ${FILE} 2>/dev/null || echo ${ABSENT}`))
  if (seen !== wanted) throw new Error(`${when}, ${FILE} is ${say(seen)} where it should be ${say(wanted)}`)
}

function say(content: string): string {
  return content === ABSENT ? ABSENT : `"${content}"`
}
