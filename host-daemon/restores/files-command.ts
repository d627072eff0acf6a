import type { Operation } from '../../src-shared/model/operation.ts'
import { noteOnLatest, resolvePoint } from '../backups/resolve-point.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import { resolveEnvironment } from '../environments/views.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import { assertNew } from './files-folder.ts'
import { tidyPaths } from './files-paths.ts'
import type { FilesInput } from './restore-service.ts'
import { scratchParams } from './scratch-steps.ts'

interface FilesDeps {
  readonly recovery: RecoveryToolkit
  readonly engine: OperationEngine
}

/** Refuses or accepts a restore of files. That the folder is new is checked here and, in one step, at the end. */
export async function restoreFiles(deps: FilesDeps, caller: Requester, input: FilesInput): Promise<Operation> {
  const { store, random, drivers, folders } = deps.recovery
  const { commandId, folder } = input
  const command = { kind: 'restore_files', caller, commandId, input } as const
  const replayed = deps.engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const paths = tidyPaths(input.paths)
  const environment = resolveEnvironment(store, input.environment)
  refuseQuarantined(environment)
  drivers.of(environment)
  const point = resolvePoint(deps.recovery, environment, input.point)
  const note = noteOnLatest(deps.recovery, input.point, point)
  await assertNew(folders.restored, folder)
  return await deps.engine.accept({
    ...command,
    target: () => resolveEnvironment(store, environment.id),
    params: () => ({ ...scratchParams(random, point.id), folder, paths: JSON.stringify(paths), ...note }),
    detail: { pointId: point.id, folder, pathCount: paths.length, ...note },
  })
}
