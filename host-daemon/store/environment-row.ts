import { z } from 'zod'
import {
  driverKindSchema,
  environmentSizeSchema,
  observedStateSchema,
  timestampSchema,
  type Environment,
  type EnvironmentSize,
  type ObservedState,
} from '../../src-shared/model/environment.ts'
import {
  bootIdSchema,
  environmentNameSchema,
  homeIdSchema,
  imageRefSchema,
  operationIdSchema,
  ownerNameSchema,
  type EnvironmentId,
  type EnvironmentName,
  type HomeId,
  type ImageRef,
  type OwnerName,
} from '../../src-shared/model/ids.ts'
import { labelsSchema } from '../../src-shared/model/labels.ts'
import { startupSummarySchema } from '../../src-shared/model/startup.ts'
import { recordProblem } from './boot-record.ts'
import { Findings, JsonReader } from './findings.ts'
import { without } from './without.ts'

/** An environment as the database holds it, with its newest boot and whoever holds the exclusive claim. */
export interface EnvironmentRow {
  id: string
  name: string
  owner: string
  image: string
  driver: string
  cpus: number
  memory_mib: number
  home_mib: number
  home_id: string
  desired: string
  observed: string
  observed_at: number
  generation: number
  guest_uid: number
  is_protected: number
  labels: string
  startup_summary: string | null
  is_counted: number
  auto_recovered_at: number | null
  home_environment_id: string | null
  home_made_at: number | null
  home_gone_at: number | null
  created_at: number
  destroyed_at: number | null
  boot_id: string | null
  boot_environment_id: string | null
  boot_ordinal: number | null
  boot_started_at: number | null
  live_boot_id: string | null
  live_boot_record: string | null
  live_boot_journal_path: string | null
  operation_id: string | null
}

/** An environment with what only the daemon needs to know of it. */
export interface StoredEnvironment extends Environment {
  readonly guestUid: number
  /** It counts against its owner's limit. */
  readonly isCounted: boolean
  /** When the daemon last began to recover it by itself, for the failure that it is in; null: not for this one. */
  readonly autoRecoveredAt: number | null
  readonly destroyedAt: number | null
}

const OBSERVED = new JsonReader(observedStateSchema, 'is not a known state')
const LABELS = new JsonReader(labelsSchema, 'are not labels')
const STARTUP = new JsonReader(startupSummarySchema.nullable(), 'is not a summary of a start-up')
const GENERATION = z.int('must be a whole number').min(1, 'must be at least 1')
const GUEST_UID = z.int('must be a whole number').min(1, 'must be at least 1').max(4_294_967_294, 'must be a uid')
const TIME = timestampSchema
const TIME_OR_NEVER = timestampSchema.nullable()
const CLAIM = operationIdSchema.nullable()
const DESIRED = z.enum(['running', 'stopped'], 'must be running or stopped')

/**
 * Never throws, whatever is in the row: what cannot be relied on is named in `quarantine`, and values that satisfy the
 * contract stand in for it. A quarantined environment is `unknown`, since nobody looks after its state.
 */
export function toEnvironment(row: EnvironmentRow): StoredEnvironment {
  const findings = new Findings()
  const identity = toIdentity(row, findings)
  const state = toState(row, findings)
  const home = toHome(row, findings)
  const boot = toBoot(row, findings)
  const quarantine = findings.sentence()
  const since = state.observedAt
  return {
    ...identity,
    ...state,
    observed: quarantine === null ? state.observed : { kind: 'unknown', since, detail: quarantine },
    quarantine,
    home,
    boot,
    isProtected: row.is_protected !== 0,
    isCounted: row.is_counted === 1,
    autoRecoveredAt: row.auto_recovered_at,
    destroyedAt: row.destroyed_at,
  }
}

function toIdentity(row: EnvironmentRow, findings: Findings) {
  return {
    id: row.id as EnvironmentId,
    name: findings.take('name', environmentNameSchema, { value: row.name, standIn: standInName(row.id) }),
    owner: findings.take('owner', ownerNameSchema, { value: row.owner, standIn: 'unreadable' as OwnerName }),
    image: findings.take('image', imageRefSchema, { value: row.image, standIn: 'unreadable@0' as ImageRef }),
    driver: findings.take('driver', driverKindSchema, { value: row.driver, standIn: 'qemu' }),
    size: toSize(row, findings),
    labels: findings.takeJson('labels', LABELS, { value: row.labels, standIn: {} }),
    startup: findings.takeJson('startup_summary', STARTUP, { value: row.startup_summary, standIn: null }),
    guestUid: findings.take('guest_uid', GUEST_UID, { value: row.guest_uid, standIn: 65_534 }),
  }
}

function toState(row: EnvironmentRow, findings: Findings) {
  const createdAt = findings.take('created_at', TIME, { value: row.created_at, standIn: 0 })
  const observedAt = findings.take('observed_at', TIME, { value: row.observed_at, standIn: createdAt })
  const unreadable: ObservedState = { kind: 'unknown', since: observedAt, detail: '' }
  return {
    desired: findings.take('desired', DESIRED, { value: row.desired, standIn: 'stopped' }),
    observed: findings.takeJson('observed', OBSERVED, { value: row.observed, standIn: unreadable }),
    observedAt,
    createdAt,
    generation: findings.take('generation', GENERATION, { value: row.generation, standIn: 1 }),
    operationId: findings.take('claim', CLAIM, { value: row.operation_id, standIn: null }),
  }
}

function toSize(row: EnvironmentRow, findings: Findings): EnvironmentSize {
  const given = { cpus: row.cpus, memoryMiB: row.memory_mib, homeMiB: row.home_mib }
  const { cpus, memoryMiB, homeMiB } = environmentSizeSchema.shape
  return {
    cpus: findings.take('cpus', cpus, { value: given.cpus, standIn: 1 }),
    memoryMiB: findings.take('memory_mib', memoryMiB, { value: given.memoryMiB, standIn: 128 }),
    homeMiB: findings.take('home_mib', homeMiB, { value: given.homeMiB, standIn: 16 }),
  }
}

function toHome(row: EnvironmentRow, findings: Findings): Environment['home'] {
  const standIn = standInHome(row.id)
  const id = findings.take('home_id', homeIdSchema, { value: row.home_id, standIn })
  const isForeign = row.home_environment_id !== null && row.home_environment_id !== row.id
  if (row.home_environment_id === null) findings.add('home_id names no home on record')
  if (isForeign) findings.add('home_id names the home of another environment')
  return {
    // Nothing may be done to another's home by way of this one.
    id: isForeign ? standIn : id,
    sizeMiB: Number.isInteger(row.home_mib) ? row.home_mib : 0,
    madeAt: findings.take("the home's made_at", TIME_OR_NEVER, { value: row.home_made_at, standIn: null }),
    goneAt: findings.take("the home's gone_at", TIME_OR_NEVER, { value: row.home_gone_at, standIn: null }),
  }
}

const BOOT = z.object({ id: bootIdSchema, ordinal: z.int().min(1), startedAt: timestampSchema }).nullable()

function toBoot(row: EnvironmentRow, findings: Findings): Environment['boot'] {
  checkLiveBoot(row, findings)
  const { boot_id: id, boot_ordinal: ordinal, boot_started_at: startedAt } = row
  if (id === null) return null
  if (row.boot_environment_id === null) findings.add('boot_id names no boot on record')
  else if (row.boot_environment_id !== row.id) findings.add('boot_id names the boot of another environment')
  else return findings.take('boot', BOOT, { value: { id, ordinal, startedAt }, standIn: null })
  return null
}

function checkLiveBoot(row: EnvironmentRow, findings: Findings): void {
  const { live_boot_id: id, live_boot_record: record, live_boot_journal_path: journalPath } = row
  if (id === null) return
  const problem = recordProblem({ id, environment_id: row.id, record, journal_path: journalPath })
  if (problem !== null) findings.add(problem)
}

const STAND_IN = 'quarantined-'

/** What an environment goes by whose own name is malformed. */
function standInName(id: string): EnvironmentName {
  return `${STAND_IN}${id.slice(-8)}` as EnvironmentName
}

/** The id of the environment that goes by such a name; no environment's where it is not such a name. */
export function idOfStandIn(name: string): EnvironmentId {
  return `env-${name.startsWith(STAND_IN) ? name.slice(STAND_IN.length) : ''}` as EnvironmentId
}

function standInHome(id: string): HomeId {
  return `home-00000000${id.slice(-8)}` as HomeId
}

/** What goes over the wire: the contract's fields alone. */
export function toWireEnvironment(stored: StoredEnvironment): Environment {
  return without(stored, ['guestUid', 'destroyedAt', 'isCounted', 'autoRecoveredAt'])
}
