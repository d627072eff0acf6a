import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from './fake-driver-daemon.ts'
import { filesIn, makePoint, putFiles, UNSCHEDULED } from './made-points.ts'

type Files = Parameters<typeof putFiles>[2]
type StartOptions = Parameters<typeof startFakeDriverDaemon>[0]

/**
 * A host with the environment `web`, whose point holds `then`, and whose home holds `now` since. Leaves nothing behind
 * when it rejects.
 */
export async function startWithPoint(
  { then, now }: { readonly then: Files; readonly now: Files },
  options: StartOptions = {},
): Promise<FakeDriverDaemon> {
  const host = await startFakeDriverDaemon({ options: { recovery: UNSCHEDULED }, ...options })
  try {
    const { ended, admin } = environmentCalls(() => host)
    await ended(await admin().environments.spawn(spawnInput('web')))
    await putFiles(host, 'web', then)
    await makePoint(host, 'web')
    await putFiles(host, 'web', now)
    return host
  } catch (error) {
    await host.remove()
    throw error
  }
}

/** What tests ask of `web` all the time, on the host of the moment. */
export function environmentCalls(host: () => FakeDriverDaemon) {
  const admin = (user?: string) => host().as('admin', user)
  const get = () => admin().environments.get({ environment: 'web' })
  return {
    admin,
    get,
    ended: ({ id }: Operation) => admin().operations.wait({ id, timeoutMs: 5_000 }),
    command: () => ({ commandId: newCommandId(), environment: 'web' }),
    codeOf: async (call: Promise<unknown>) => (await refusalOf(call)).code,
    contentNow: async () => filesIn(host(), (await get()).home.id),
    /** Of every record of that action, the oldest first. */
    outcomes: (kind: string) =>
      host()
        .activity()
        .filter(({ action }) => action === kind)
        .map(({ outcome }) => outcome),
  }
}

/** The same, and the two calls of a restore. */
export function restoreCalls(host: () => FakeDriverDaemon) {
  const calls = environmentCalls(host)
  const { admin, command } = calls
  return {
    ...calls,
    plan: (point = 'latest', isStopNow = false) => admin().restore.plan({ environment: 'web', point, isStopNow }),
    run: (ticket: string | undefined, more: object = {}) =>
      admin().restore.run({
        ...command(),
        confirmName: 'web',
        ...(ticket === undefined ? {} : { ticket }),
        ...more,
      }),
  }
}
