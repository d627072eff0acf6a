import type { CallOutput } from '../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../src-shared/contract/daemon.ts'
import { backupStatusSchema } from '../../src-shared/model/backup.ts'
import { environmentSchema } from '../../src-shared/model/environment.ts'
import type { DriftItem } from '../../src-shared/model/drift.ts'
import { operationSchema } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import { recoveryPointSchema } from '../../src-shared/model/recovery-point.ts'
import type { DropPlan, RestorePlan, UndoPlan } from '../../src-shared/model/restore.ts'
import type { DaemonCallName } from '../../src-main/shell/cli/spelling.ts'

export const AT = 1_700_000_000_000

export const environmentSample = environmentSchema.parse({
  id: 'env-0000abcd',
  name: 'demo',
  owner: 'local',
  image: 'minimal@1',
  driver: 'fake',
  size: { cpus: 1, memoryMiB: 512, homeMiB: 1024 },
  desired: 'running',
  observed: { kind: 'running', since: AT, bootId: 'boot-00000000000000aa', agent: 'answering' },
  observedAt: AT,
  generation: 1,
  isProtected: false,
  labels: {},
  startup: null,
  quarantine: null,
  home: { id: 'home-00000000000000aa', sizeMiB: 1024, madeAt: AT, goneAt: null },
  boot: { id: 'boot-00000000000000aa', ordinal: 1, startedAt: AT },
  operationId: null,
  createdAt: AT,
})

export const operationSample = operationSchema.parse({
  id: 'op-00000000000000aa',
  kind: 'spawn',
  environmentId: 'env-0000abcd',
  environmentName: 'demo',
  commandId: 'cmd-00000000000000aa',
  requestId: 'req-00000000000000aa',
  actor: { user: 'op', uid: 1000, role: 'admin', claimedActor: null },
  status: { kind: 'running' },
  step: 'create-home',
  stepIndex: 0,
  stepCount: 3,
  phase: 'provisioning_vm',
  attempt: null,
  isCancellable: true,
  progress: null,
  result: null,
  requestedAt: AT,
})

export const headSample = { seq: 3, hash: 'cd'.repeat(32) }

export const succeededSample = { ...operationSample, status: { kind: 'succeeded' as const, endedAt: AT + 2000 } }

export const pointSample = recoveryPointSchema.parse({
  id: '5e'.repeat(32),
  environmentId: 'env-0000abcd',
  homeId: 'home-00000000000000aa',
  homeMiB: 1024,
  image: 'minimal@1',
  takenAt: AT - 1_800_000,
  hostName: 'fake-host',
  bytes: 1_048_576,
  entries: 42,
  addedBytes: 4096,
  durationMs: 900,
  consistency: 'quiesced',
  unreadableCount: 0,
  tags: ['image=minimal@1'],
  operationId: 'op-00000000000000bb',
  hasListing: true,
  verifiedAt: null,
  drilledAt: null,
  hasPassedDrill: null,
  forgottenAt: null,
})

export const backupSample = backupStatusSchema.parse({
  environmentId: 'env-0000abcd',
  environmentName: 'demo',
  owner: 'local',
  freshness: {
    kind: 'healthy',
    sentence: 'The newest point is 30 min old; older than 1 h 15 min is stale.',
    thresholdMs: 4_500_000,
  },
  policy: { intervalMinutes: 60, keep: { last: 24 }, freshnessMinutes: null, drillIntervalHours: null },
  hasOwnPolicy: false,
  nextAt: AT + 1_800_000,
  nextDrillAt: null,
  latest: pointSample,
  pointCount: 1,
  repository: '/var/lib/pilothouse/repositories/env-0000abcd',
  lastAttempt: {
    at: AT - 1_800_000,
    operationId: 'op-00000000000000bb',
    outcome: 'succeeded',
    failure: null,
  },
  lastCheck: null,
  lastVerifiedAt: null,
  lastDrill: null,
  undo: null,
  keptForReview: [],
  observedAt: AT,
})

export function planSample<Kind extends Plan['kind']>(kind: Kind): Plan & { kind: Kind } {
  return {
    kind,
    environmentId: environmentSample.id,
    environmentName: environmentSample.name,
    generation: 1,
    text: `${kind === 'reset' ? 'Resets' : 'Destroys'} demo.\nIts home is lost for good.`,
    losses: ['The home of demo.'],
    keeps: [],
    homeBytes: 4096,
    needsName: true,
    hash: 'ab'.repeat(32),
  }
}

export const restorePlanSample: RestorePlan = {
  ...planSample('restore'),
  text: 'Restores demo to a point of half an hour ago.\nThe present home is kept for undo.',
  point: pointSample,
  ageMs: 1_800_000,
  loss: { kind: 'counted', changes: { added: 1, changed: 2, removed: 0, bytesWritten: 300, bytesRemoved: 0 } },
  isStopNow: false,
  diskNeededBytes: 1_048_576,
  diskFreeBytes: 10_737_418_240,
  undoUntil: AT + 86_400_000,
  dropsUndo: false,
}

const undoPlanSample: UndoPlan = {
  ...planSample('undo_restore'),
  text: 'Brings back the home that was replaced.',
  replacedAt: AT - 600_000,
  undoUntil: AT + 86_400_000,
}

const dropPlanSample: DropPlan = {
  ...planSample('drop_undo'),
  text: 'Gives up the home that is kept for an undo.',
  homeId: 'home-00000000000000cc' as never,
  keptFor: 'undo',
  replacedAt: AT - 600_000,
  undoUntil: AT + 86_400_000,
  diskFreeBytes: 10_737_418_240,
}

export const ticketSample: Ticket = { id: `tkt-${'ab'.repeat(16)}` as never, expiresAt: AT + 300_000 }

const driftSample: DriftItem = {
  id: 'home:home-00000000000000bb',
  kind: 'home',
  environmentId: null,
  detail: 'A home that belongs to no environment on record.',
  bytes: 4096,
  holdsData: true,
}

type Unary = { [Name in Exclude<DaemonCallName, 'events'>]: CallOutput<DaemonContract, Name> }
type EventOf<Stream> = Stream extends AsyncIterable<infer Event> ? Event : never

/** One valid answer for every call; the compiler refuses a call without one. */
export const ANSWERS: Unary & { events: readonly EventOf<CallOutput<DaemonContract, 'events'>>[] } = {
  hello: {
    protocol: 1,
    version: '0.0.0',
    hostName: 'fake-host',
    epoch: 'epoch-1',
    startedAt: AT,
    now: AT,
    role: 'admin',
    user: 'op',
    uid: 1000,
    capabilities: [],
    drivers: [],
    sizeLimit: { cpus: 4, memoryMiB: 4096, homeMiB: 8192 },
    isRecoveringAutomatically: false,
  },
  'environments.list': { cursor: { epoch: 'epoch-1', seq: 7 }, environments: [environmentSample] },
  'environments.get': environmentSample,
  'environments.spawn': operationSample,
  'environments.start': { ...operationSample, kind: 'start' },
  'environments.stop': { ...operationSample, kind: 'stop' },
  'environments.reboot': { ...operationSample, kind: 'reboot' },
  'environments.recover': { ...operationSample, kind: 'recover' },
  'environments.resize': { ...operationSample, kind: 'resize' },
  'environments.rename': environmentSample,
  'environments.setLabels': environmentSample,
  'environments.reset.plan': { plan: planSample('reset'), ticket: ticketSample },
  'environments.reset.run': { ...operationSample, kind: 'reset' },
  'environments.setProtection': { ...environmentSample, isProtected: true },
  'environments.destroy.plan': { plan: planSample('destroy'), ticket: ticketSample },
  'environments.destroy.run': { ...operationSample, kind: 'destroy' },
  'operations.list': [operationSample],
  'operations.get': operationSample,
  'operations.steps': [
    {
      direction: 'forward',
      step: 'start_guest',
      stepIndex: 2,
      attempt: 1,
      startedAt: AT,
      endedAt: AT + 900,
      outcome: 'done',
      detail: null,
    },
  ],
  'operations.wait': succeededSample,
  'operations.cancel': operationSample,
  'backups.status': {
    at: AT,
    hostName: 'fake-host',
    base: '/var/lib/pilothouse/repositories',
    isOnThisHost: true,
    rows: [backupSample],
  },
  'backups.points': [pointSample],
  'backups.orphaned': {
    environments: [
      {
        environmentId: pointSample.environmentId,
        environmentName: null,
        destroyedAt: null,
        pointCount: 1,
        newestTakenAt: pointSample.takenAt,
      },
    ],
    unrecorded: [pointSample.environmentId],
  },
  'backups.adopt': {
    environmentId: pointSample.environmentId,
    repository: '/var/lib/pilothouse/repositories/env-0000abcd',
    taken: 1,
    known: 2,
    gone: 0,
    left: 0,
    passedOverCount: 1,
    passedOver: [{ pointId: pointSample.id, takenAt: AT, why: 'Its tags do not say that Pilothouse made it.' }],
  },
  'backups.now': { ...operationSample, kind: 'backup' },
  'backups.check': { ...operationSample, kind: 'check' },
  'backups.prune': { ...operationSample, kind: 'prune' },
  'backups.setPolicy': backupSample,
  'backups.browse': {
    pointId: pointSample.id,
    entries: [{ path: '/etc', type: 'directory', bytes: 0, modifiedAt: AT, mode: 0o755 }],
    next: null,
  },
  'backups.compare': {
    from: pointSample.id,
    to: pointSample.id,
    counts: { added: 1, changed: 0, removed: 0, bytesWritten: 3, bytesRemoved: 0 },
    changes: [{ kind: 'added', path: '/note', type: 'file', fromBytes: null, toBytes: 3 }],
    next: null,
  },
  'restore.plan': { plan: restorePlanSample, ticket: ticketSample },
  'restore.run': { ...operationSample, kind: 'restore' },
  'undo.plan': { plan: undoPlanSample, ticket: ticketSample },
  'drop.plan': { plan: dropPlanSample, ticket: ticketSample },
  'drop.run': { ...operationSample, kind: 'drop_undo' },
  'undo.run': { ...operationSample, kind: 'undo_restore' },
  files: { ...operationSample, kind: 'restore_files' },
  clone: { ...operationSample, kind: 'clone' },
  drill: { ...operationSample, kind: 'drill' },
  'owners.list': [
    { name: 'local' as never, note: 'this machine', isActive: true, limit: 'unlimited', environmentCount: 1 },
  ],
  'owners.put': { name: 'local' as never, note: '', isActive: true, limit: 5, environmentCount: 1 },
  'images.list': [{ ref: 'minimal@1' as never, fingerprint: 'ab'.repeat(32), builtAt: AT, bytes: 30_000_000 }],
  'consoles.boots': [
    {
      bootId: 'boot-00000000000000aa' as never,
      environmentId: environmentSample.id,
      ordinal: 1,
      startedAt: AT,
      endedAt: null,
      endOffset: 2048,
      gaps: [],
    },
  ],
  'activity.list': {
    entries: [
      {
        seq: 3,
        at: AT,
        actor: operationSample.actor,
        requestId: operationSample.requestId,
        operationId: operationSample.id,
        environmentId: environmentSample.id,
        environmentName: environmentSample.name,
        action: 'spawn',
        outcome: 'accepted',
        detail: {},
        hash: headSample.hash,
      },
    ],
    head: headSample,
  },
  'activity.head': headSample,
  'drift.list': { surveyedAt: AT, items: [driftSample], problems: [] },
  'drift.plan': {
    plan: {
      hostName: 'fake-host',
      text: 'Cleans up 1 leftover.',
      losses: ['A home.'],
      items: [driftSample],
      needsName: true,
      hash: 'ab'.repeat(32),
    },
    ticket: ticketSample,
  },
  'drift.run': { removed: [driftSample.id], failed: [] },
  events: [
    {
      type: 'snapshot',
      cursor: { epoch: 'epoch-1', seq: 7 },
      environments: [environmentSample],
      operations: [operationSample],
      backups: [backupSample],
      activityHead: headSample,
    },
    { type: 'confirmed', cursor: { epoch: 'epoch-1', seq: 7 }, now: AT, activityHead: headSample },
  ],
}
