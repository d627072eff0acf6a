import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { refuseGoneHome } from './bring-up.ts'
import { mutate } from './mutate.ts'
import type { PowerDeps, PowerInput } from './power-commands.ts'
import { refuseQuarantined } from './quarantine.ts'
import { assertSize, exceededCapacity, type SpawnLimits } from './spawn-command.ts'
import type { Toolkit } from './toolkit.ts'
import { resolveEnvironment } from './views.ts'

export interface ResizeInput extends PowerInput {
  readonly size: { readonly [K in keyof EnvironmentSize]?: number | undefined }
}

export interface ResizeDeps extends PowerDeps {
  readonly limits: SpawnLimits
}

/**
 * Accepts another size for a stopped environment, before anything of it is made. What is not given stays; a size that
 * is the present one is accepted, and its operation changes nothing. A home that
 * would grow is refused with `home_gone` on positive evidence.
 */
export async function resize(deps: ResizeDeps, caller: Requester, input: ResizeInput): Promise<Operation> {
  const { toolkit, engine } = deps
  const command = { kind: 'resize', caller, commandId: input.commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const { store } = toolkit
  const seen = resolveEnvironment(store, input.environment)
  if (sizeFor(seen, input.size).homeMiB > seen.size.homeMiB) await refuseGoneHome(toolkit, seen)
  const sizes: { from?: EnvironmentSize; to?: EnvironmentSize } = {}
  let environment: StoredEnvironment
  return engine.accept({
    ...command,
    detail: sizes,
    target: () => {
      environment = resolveEnvironment(store, input.environment)
      // Whoever holds the claim is named first: its work may be what is in the way.
      if (environment.operationId === null) assertResizable(deps, environment, input.size)
      return environment
    },
    params: () => ({ ...sizeFor(environment, input.size) }),
    admit: () => {
      const { size: from, desired } = environment
      Object.assign(sizes, { from, to: sizeFor(environment, input.size) })
      mutate(store, environment, { generation: input.generation, desired })
    },
  })
}

function sizeFor({ size }: StoredEnvironment, asked: ResizeInput['size']): EnvironmentSize {
  return {
    cpus: asked.cpus ?? size.cpus,
    memoryMiB: asked.memoryMiB ?? size.memoryMiB,
    homeMiB: asked.homeMiB ?? size.homeMiB,
  }
}

function assertResizable(
  { toolkit, limits, capacity }: ResizeDeps,
  environment: StoredEnvironment,
  asked: ResizeInput['size'],
): void {
  refuseQuarantined(environment)
  assertStopped(toolkit, environment)
  const { size: present, desired } = environment
  const size = sizeFor(environment, asked)
  if (size.homeMiB < present.homeMiB) throw shrinkRefusal(environment, size)
  assertSize(grownFields(present, size), limits.size)
  // Memory is given away to environments that are meant to run; the others are asked at their start.
  const memoryMiB = desired === 'running' ? Math.max(0, size.memoryMiB - present.memoryMiB) : 0
  const wanted = { environments: 0, memoryMiB, homeMiB: size.homeMiB - present.homeMiB }
  const refusal = exceededCapacity(toolkit, capacity, wanted)
  if (refusal !== undefined) throw refusal
}

/** A limit that was lowered since holds for what grows, and takes nothing away. */
function grownFields(present: EnvironmentSize, size: EnvironmentSize): Partial<EnvironmentSize> {
  const fields = ['cpus', 'memoryMiB', 'homeMiB'] as const
  return Object.fromEntries(fields.filter((field) => size[field] > present[field]).map((field) => [field, size[field]]))
}

/** No guest may be there, by evidence: it would go on with its old size, and write to its home meanwhile. */
function assertStopped({ store }: Toolkit, { id, name, observed, desired }: StoredEnvironment): void {
  const isDown = observed.kind === 'failed' || observed.kind === 'lost'
  const isStopped = observed.kind === 'stopped' && desired === 'stopped'
  if ((isStopped || isDown) && store.boots.liveOf(id) === undefined) return
  const seen =
    isDown || observed.kind === 'stopped' ? `${observed.kind}, and its guest may still be there` : observed.kind
  const message = `${name} is ${seen}; only a stopped environment can be resized: stop it first.`
  throw new PilothouseError('wrong_state', message, { details: { observed: observed.kind, desired } })
}

function shrinkRefusal({ name, size: present }: StoredEnvironment, { homeMiB }: EnvironmentSize): PilothouseError {
  const message = `size.homeMiB: the home of ${name} has ${present.homeMiB} MiB and only grows; ${homeMiB} MiB was asked for.`
  const details = { field: 'size.homeMiB', present: present.homeMiB, asked: homeMiB }
  return new PilothouseError('invalid_request', message, { details })
}
