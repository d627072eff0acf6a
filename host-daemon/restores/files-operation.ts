import { z } from 'zod'
import type { OperationId } from '../../src-shared/model/ids.ts'
import { restoreFolderSchema } from '../../src-shared/model/operation-result.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { describeFailure } from '../environments/failures.ts'
import { recordRollback } from '../operations/record-rollback.ts'
import type { OperationDefinition, Step, StepContext } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { flushFileSystemOf } from '../system/publish-folder.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { copyTree } from './files-copy.ts'
import { makeRoom, publish, removeUnpublished, restoredFolder, type RestoredFolder } from './files-folder.ts'
import { Choice, type Chosen } from './files-paths.ts'
import { checkPoint, fillFromPoint, pointOf, withinSize } from './fill-home-steps.ts'
import { withPointRepository } from './point-contact.ts'
import { cleanUp, makeScratch, scratchOf, scratchParamsSchema } from './scratch-steps.ts'
import { untilLetGo } from './until-let-go.ts'

const pathsSchema = z.array(z.string()).min(1)
/** Decided at acceptance; the paths are tidy, as JSON. */
const filesParamsSchema = scratchParamsSchema.extend({ folder: restoreFolderSchema, paths: z.string() })

/** What each running restore has chosen of its point; found out again where a crash has lost it. */
type Choices = Map<OperationId, Chosen>

/**
 * Restores the chosen paths into a scratch home, and copies from there what may arrive on the host. Until everything
 * has arrived, nothing is seen under the folder's name; whatever fails leaves neither scratch nor half a folder.
 */
export function restoreFilesOperation(recovery: RecoveryToolkit): OperationDefinition {
  const choices: Choices = new Map()
  return {
    kind: 'restore_files',
    claim: { mode: 'shared', resource: 'repository' },
    steps: [
      checkPoint(recovery, (operation) => pointOf(recovery, operation)),
      checkPaths(recovery, choices),
      makeScratch(recovery),
      untilLetGo(restoreChosen(recovery, choices)),
      untilLetGo(copyOut(recovery, choices)),
      cleanUp(recovery),
      publishFolder(recovery),
    ],
    params: filesParamsSchema,
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: ({ id }, { kind }) => {
      choices.delete(id)
      // What was found out on the way is of a folder that is not there.
      if (kind !== 'succeeded') recovery.store.operations.setResult(id, null)
    },
    recordAs: recordRollback,
  }
}

function pathsOf({ params }: StoredOperation): string[] {
  return pathsSchema.parse(JSON.parse(filesParamsSchema.parse(params).paths))
}

function folderOf({ folders }: RecoveryToolkit, { id, params }: StoredOperation): RestoredFolder {
  return restoredFolder(folders.restored, filesParamsSchema.parse(params).folder, id)
}

/** Every path is held against the point itself: what is not in it is refused before anything is made. */
function checkPaths(recovery: RecoveryToolkit, choices: Choices): Step {
  return {
    name: 'check_paths',
    phase: null,
    deadlineMs: null,
    isCancellable: true,
    run: async (context) => {
      choices.delete(context.operation.id)
      await chosenOf(recovery, choices, context)
    },
  }
}

async function chosenOf(recovery: RecoveryToolkit, choices: Choices, context: StepContext): Promise<Chosen> {
  const { operation } = context
  const known = choices.get(operation.id)
  if (known !== undefined) return known
  const point = pointOf(recovery, operation)
  const chosen = await withPointRepository(recovery, { point, context }, async (repository, call) => {
    const choice = new Choice(pathsOf(operation))
    await repository.listEntries({ ...call, point: point.id, onEntry: (entry) => choice.see(entry) })
    return choice.end()
  })
  choices.set(operation.id, chosen)
  return chosen
}

function restoreChosen(recovery: RecoveryToolkit, choices: Choices): Step {
  return {
    name: 'restore',
    phase: null,
    deadlineMs: null,
    isCancellable: true,
    run: async (context) => {
      const { bytes, entries } = await chosenOf(recovery, choices, context)
      const paths = pathsOf(context.operation)
      const isWhole = paths.includes('/')
      const options = { context, size: { bytes, entries }, ...(isWhole ? {} : { paths }) }
      await fillFromPoint(recovery, scratchOf(recovery, context.operation), options)
    },
  }
}

function copyOut(recovery: RecoveryToolkit, choices: Choices): Step {
  return {
    name: 'copy',
    phase: null,
    deadlineMs: null,
    isCancellable: true,
    run: async (context) => {
      const { operation, signal, report } = context
      const chosen = await chosenOf(recovery, choices, context)
      const { driver, homeId, point } = scratchOf(recovery, operation)
      const folder = folderOf(recovery, operation)
      await makeRoom(folder)
      const total = { totalBytes: chosen.bytes, totalFiles: chosen.files }
      const onProgress = (done: { doneBytes: number; doneFiles: number }) => report({ ...done, ...total })
      const copied = await withinSize(recovery, { point, signal }, (bounded) =>
        driver.verifyHome(homeId, { folder: recovery.folders.rooms, signal: bounded }, ({ path }) =>
          copyTree(path, folder.making, { signal: bounded, onProgress }),
        ),
      )
      // Journaled as done, it is there after a power cut too.
      await flushFileSystemOf(folder.making, signal)
      const { files, skippedFiles, ...others } = copied
      // A file that was skipped was seen; whatever else is missing never came out of the repository.
      if (files + skippedFiles < chosen.files) throw incomplete(chosen, files)
      const result = { kind: 'restore_files', pointId: point.id, folder: folder.final, files, ...others } as const
      const tell = { ...result, skipped: [...copied.skipped] }
      await recovery.store.db.together(() => recovery.store.operations.setResult(operation.id, tell))
    },
    undo: ({ operation }) => removeUnpublished(folderOf(recovery, operation)),
  }
}

function publishFolder(recovery: RecoveryToolkit): Step {
  return {
    name: 'publish',
    phase: null,
    deadlineMs: null,
    isCancellable: false,
    run: ({ operation }) => publish(folderOf(recovery, operation)),
  }
}

function incomplete({ files }: Chosen, arrived: number): PilothouseError {
  const message = `Of ${files} chosen files, only ${arrived} came out of the repository; nothing was kept.`
  const hint = 'Check the repository with all data read; use another point meanwhile.'
  return new PilothouseError('engine_failed', message, { hint, retryable: false })
}
