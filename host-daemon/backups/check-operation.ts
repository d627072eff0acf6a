import { z } from 'zod'
import { PilothouseError } from '../../src-shared/error.ts'
import { checkDepthSchema, type CheckDepth } from '../../src-shared/model/operation-result.ts'
import { describeFailure } from '../environments/failures.ts'
import type { OperationDefinition, Step } from '../operations/step.ts'
import type { OperationParams, StoredOperation } from '../store/operation-row.ts'
import { verifyPointsAt } from '../store/points-upkeep.ts'
import { awaitSlot } from './backup-steps.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { LONG_STEP_MS, useRepository } from './repository-work.ts'

/** Parameters of operations have no structure. */
const paramsSchema = z
  .object({ depth: z.string(), part: z.number().nullable(), of: z.number().nullable() })
  .transform(({ depth, part, of }) => checkDepthSchema.parse(depth === 'part' ? { part, of } : depth))

/** How deep a check goes, as its operation keeps it. */
export function paramsOfDepth(depth: CheckDepth): OperationParams {
  return typeof depth === 'string' ? { depth, part: null, of: null } : { depth: 'part', ...depth }
}

/** Damage fails the operation, with what was found. */
export function checkOperation(recovery: RecoveryToolkit): OperationDefinition {
  return {
    kind: 'check',
    claim: { mode: 'shared', resource: 'repository' },
    steps: [awaitSlot(recovery), checkRepository(recovery)],
    params: paramsSchema,
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: () => undefined,
  }
}

interface Checked {
  readonly depth: CheckDepth
  readonly isSound: boolean
  readonly findings: readonly string[]
  readonly location: string
  /** When it began: of points that were made later it says nothing. */
  readonly since: number
}

function checkRepository(recovery: RecoveryToolkit): Step {
  return {
    name: 'check_repository',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    run: async ({ operation, signal, childStarted }) => {
      const { environmentId, resumptions } = operation
      const depth = paramsSchema.parse(operation.params)
      const repository = recovery.repositories.of(environmentId)
      const call = { signal, onChild: childStarted }
      const use = { environmentId, repository, isAlone: true, isAfterCrash: resumptions > 0, call }
      let since = 0
      const { isSound, findings } = await useRepository(recovery, use, () => {
        since = recovery.clock.now()
        return repository.check({ ...call, depth })
      })
      const checked = { depth, isSound, findings, location: repository.location, since }
      await recovery.store.db.together(() => record(recovery, operation, checked))
      if (!isSound) throw damaged(findings)
    },
  }
}

function damaged(findings: readonly string[]): PilothouseError {
  const message = `The repository is damaged: ${findings[0] ?? 'the check does not say how'}`
  return new PilothouseError('repository_damaged', message, { details: { findings } })
}

function record(recovery: RecoveryToolkit, { id, environmentId }: StoredOperation, checked: Checked): void {
  const { store, clock } = recovery
  const { depth, isSound, findings } = checked
  store.operations.setResult(id, { kind: 'check', depth, isSound, findings: [...findings] })
  if (typeof depth !== 'string') store.backupStates.setCheckPart(environmentId, depth.part)
  if (isSound && depth === 'all') verifyAll(recovery, environmentId, checked)
  const before = store.backupStates.of(environmentId).check
  // Damage that was found is not gone because somebody has looked less closely since.
  if (isSound && depth !== 'all' && before?.isSound === false) return
  store.backupStates.setCheck(environmentId, { at: clock.now(), isSound, detail: detailOf(checked) })
}

function verifyAll(
  { store, clock }: RecoveryToolkit,
  environmentId: StoredOperation['environmentId'],
  { location, since }: Checked,
): void {
  verifyPointsAt(store.db, { environmentId, repository: location }, { at: clock.now(), since })
}

function detailOf({ depth, isSound, findings }: Checked): string {
  const found = isSound ? 'Nothing is wrong' : `It is damaged: ${findings[0] ?? 'the check does not say how'}`
  return `${found}; ${READ[typeof depth === 'string' ? depth : 'part'](depth)}.`
}

const READ: Readonly<Record<'structure' | 'all' | 'part', (depth: CheckDepth) => string>> = {
  structure: () => 'its structure was read',
  all: () => 'all of its data was read',
  part: (depth) => (typeof depth === 'string' ? '' : `part ${depth.part} of ${depth.of} of its data was read`),
}
