import { hostIdOf } from '../../src-main/bridge/context.ts'
import type { FakeImplementer } from './fake-app-implementer.ts'
import type { FakeApp } from './fake-app.ts'

type Calls = FakeImplementer['host']

function backupCalls({ backups: calls }: Calls, { backups, states }: FakeApp) {
  return {
    status: calls.status.handler(({ input, context }) => ({
      at: Date.now(),
      hostName: 'lon-1.example.net',
      base: 'sftp:backup@backup.example.net:/srv/restic',
      isOnThisHost: false,
      rows: (states.get(hostIdOf(context))?.backups ?? []).filter(
        ({ environmentId, environmentName }) =>
          input.environment === undefined || [environmentId, environmentName].includes(input.environment as never),
      ),
    })),
    points: calls.points.handler(({ input, context }) => backups.list(input, context)),
    orphaned: calls.orphaned.handler(() => backups.orphaned),
    adopt: calls.adopt.handler(({ input }) => backups.adopt(input.environment)),
    now: calls.now.handler(({ input, context }) => backups.begin('backup', input, context)),
    check: calls.check.handler(({ input, context }) => backups.begin('check', input, context)),
    prune: calls.prune.handler(({ input, context }) => backups.begin('prune', input, context)),
    setPolicy: calls.setPolicy.handler(({ input, context }) => backups.setPolicy(input, context)),
    browse: calls.browse.handler(({ input, context }) => backups.browse(input, context)),
    compare: calls.compare.handler(({ input, context }) => backups.compare(input, context)),
  }
}

/** What the fake answers about backups and everything that uses a recovery point. */
export function fakeRecoveryCalls(calls: Calls, fake: FakeApp) {
  const { restores, backups } = fake
  return {
    backups: backupCalls(calls, fake),
    restore: {
      plan: calls.restore.plan.handler(({ input, context }) => restores.planRestore(input, context)),
      run: calls.restore.run.handler(({ input, context }) => restores.run('restore', input, context)),
    },
    undo: {
      plan: calls.undo.plan.handler(({ input, context }) => restores.planUndo(input.environment, context)),
      run: calls.undo.run.handler(({ input, context }) => restores.run('undo_restore', input, context)),
    },
    drop: {
      plan: calls.drop.plan.handler(({ input, context }) => restores.planDrop(input, context)),
      run: calls.drop.run.handler(({ input, context }) => restores.run('drop_undo', input, context)),
    },
    files: calls.files.handler(({ input, context }) => backups.begin('restore_files', input, context)),
    clone: calls.clone.handler(({ input, context }) => restores.clone(input, context)),
    drill: calls.drill.handler(({ input, context }) => backups.begin('drill', input, context)),
  }
}
