import { implement } from '@orpc/server'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { CHAIN_START } from '../../src-shared/model/activity.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { DaemonInfo } from '../../src-shared/model/daemon.ts'
import type { Caller } from '../../host-daemon/server/caller.ts'
import type { DaemonRouter } from '../../host-daemon/server/call-handlers.ts'

/** What a test may put behind single calls; every other call answers `internal`. */
export interface TestHandlers {
  hello?: (caller: Caller) => DaemonInfo
  /** Stands for a call that takes its time. */
  wait?: (signal: AbortSignal | undefined) => Promise<never>
}

const INFO: Omit<DaemonInfo, 'role' | 'user' | 'uid'> = {
  protocol: 1,
  version: '0.0.0-test',
  hostName: 'test',
  epoch: 'epoch-1',
  startedAt: 1,
  now: 2,
  capabilities: [],
  drivers: [],
  sizeLimit: { cpus: 1, memoryMiB: 128, homeMiB: 16 },
  isRecoveringAutomatically: false,
}

export function infoFor({ actor }: Caller): DaemonInfo {
  return { ...INFO, role: actor.role, user: actor.user, uid: actor.uid }
}

/** The smallest router that fulfils the contract: enough to try the wire, with nothing behind it. */
export function createTestRouter(handlers: TestHandlers = {}): DaemonRouter {
  const os = implement(daemonContract).$context<Caller>()
  const broken = (): never => {
    throw new Error('a secret of the inside')
  }
  return os.router({
    hello: os.hello.handler(({ context }) => (handlers.hello ?? infoFor)(context)),
    environments: {
      list: os.environments.list.handler(() => ({ cursor: { epoch: 'epoch-1', seq: 0 }, environments: [] })),
      get: os.environments.get.handler(() => {
        throw new PilothouseError('not_found', 'There is no such environment.')
      }),
      spawn: os.environments.spawn.handler(broken),
      start: os.environments.start.handler(broken),
      stop: os.environments.stop.handler(broken),
      reboot: os.environments.reboot.handler(broken),
      recover: os.environments.recover.handler(broken),
      resize: os.environments.resize.handler(broken),
      rename: os.environments.rename.handler(broken),
      setLabels: os.environments.setLabels.handler(broken),
      reset: { plan: os.environments.reset.plan.handler(broken), run: os.environments.reset.run.handler(broken) },
      setProtection: os.environments.setProtection.handler(broken),
      destroy: {
        plan: os.environments.destroy.plan.handler(broken),
        run: os.environments.destroy.run.handler(broken),
      },
    },
    operations: {
      list: os.operations.list.handler(() => []),
      get: os.operations.get.handler(broken),
      steps: os.operations.steps.handler(broken),
      wait: os.operations.wait.handler(({ signal }) => (handlers.wait ?? broken)(signal)),
      cancel: os.operations.cancel.handler(broken),
    },
    backups: {
      status: os.backups.status.handler(broken),
      points: os.backups.points.handler(broken),
      orphaned: os.backups.orphaned.handler(broken),
      adopt: os.backups.adopt.handler(broken),
      now: os.backups.now.handler(broken),
      check: os.backups.check.handler(broken),
      prune: os.backups.prune.handler(broken),
      setPolicy: os.backups.setPolicy.handler(broken),
      browse: os.backups.browse.handler(broken),
      compare: os.backups.compare.handler(broken),
    },
    restore: { plan: os.restore.plan.handler(broken), run: os.restore.run.handler(broken) },
    undo: { plan: os.undo.plan.handler(broken), run: os.undo.run.handler(broken) },
    drop: { plan: os.drop.plan.handler(broken), run: os.drop.run.handler(broken) },
    files: os.files.handler(broken),
    clone: os.clone.handler(broken),
    drill: os.drill.handler(broken),
    owners: { list: os.owners.list.handler(() => []), put: os.owners.put.handler(broken) },
    images: { list: os.images.list.handler(() => []) },
    activity: { list: os.activity.list.handler(broken), head: os.activity.head.handler(broken) },
    drift: {
      list: os.drift.list.handler(broken),
      plan: os.drift.plan.handler(broken),
      run: os.drift.run.handler(broken),
    },
    consoles: { boots: os.consoles.boots.handler(() => []) },
    events: os.events.handler(async function* ({ signal }) {
      yield { type: 'reset' as const, cursor: { epoch: 'epoch-1', seq: 0 } }
      for (let seq = 1; signal?.aborted !== true; seq += 1) {
        yield { type: 'confirmed' as const, cursor: { epoch: 'epoch-1', seq }, now: seq, activityHead: CHAIN_START }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }),
  })
}
