import type { HostState } from '../../src-shared/contract/app.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import { PilothouseError, type ErrorCode, type Failure } from '../../src-shared/error.ts'
import type { DaemonInfo } from '../../src-shared/model/daemon.ts'
import { environmentSchema, type Environment, type ObservedState } from '../../src-shared/model/environment.ts'
import { hostSchema, type Host, type HostConnection } from '../../src-shared/model/host.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { operationSchema, type Operation } from '../../src-shared/model/operation.ts'
import type { Plan } from '../../src-shared/model/plan.ts'
import type { Role } from '../../src-shared/model/role.ts'
import { sampleBackup } from './fake-app-backup-samples.ts'

/** Made-up hosts, environments and operations, the same ones every time. */

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

export function failureWith(code: ErrorCode, message: string, requestId = 'req-00000000000000aa'): Failure {
  return new PilothouseError(code, message, { requestId }).toFailure()
}

export function sampleDaemon(role: Role = 'admin', now = Date.now()): DaemonInfo {
  return {
    protocol: 1,
    version: '0.1.0',
    hostName: 'lon-1.example.net',
    epoch: 'epoch-1',
    startedAt: now - 3_600_000,
    now,
    role,
    user: role === 'viewer' ? 'vera' : role === 'operator' ? 'otto' : 'ada',
    uid: 2001,
    capabilities: [],
    drivers: [
      {
        kind: 'qemu',
        accelerator: { kind: 'tcg', reason: '/dev/kvm did not boot the probe guest within 5 s.' },
        capabilities: { console: true, consoleInput: true, gracefulStop: true },
        unavailableReason: null,
      },
    ],
    sizeLimit: { cpus: 8, memoryMiB: 16_384, homeMiB: 262_144 },
    isRecoveringAutomatically: false,
  }
}

export function connected(role: Role = 'admin', now = Date.now()): HostConnection {
  return {
    kind: 'connected',
    since: now - 60_000,
    daemon: sampleDaemon(role, now),
    clockOffsetMs: 0,
    confirmedAt: now,
  }
}

export const SAMPLE_KEY = {
  type: 'ssh-ed25519',
  fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrDJKc3Gd2vVe2nq8EcS2wZM',
}

export function sampleHost(index: number, connection: HostConnection = connected()): Host {
  const names = ['lon-1', 'lon-2', 'fra-1', 'fra-edge', 'sfo-lab', 'sfo-old']
  const name = names[index] ?? `host-${index}`
  return hostSchema.parse({
    id: `host-${hex(index + 1, 8)}`,
    name,
    target: { address: `${name}.example.net`, user: 'ada' },
    pinnedKey: connection.kind === 'awaiting_trust' ? null : SAMPLE_KEY,
    connection,
  })
}

const NAMES = ['billing-worker', 'notebook', 'ci-runner', 'agent-blue', 'scratch-pad', 'ingest-eu', 'agent-teal']
const MORE = ['crawler', 'demo-friday', 'agent-red', 'vector-db', 'report-gen', 'agent-gold', 'webhook-relay']
const OWNERS = ['acme', 'northwind', 'umbra', 'kestrel', 'delta-lab', 'orchid']
const IMAGES = ['minimal@1', 'python@3.11.2', 'node@20.19', 'debian@12.4']

export const bootIdOf = (index: number): string => `boot-${hex(index + 1, 16)}`

function sampleObserved(index: number, now: number): ObservedState {
  const since = now - 60_000 * ((index % 50) + 1)
  const bootId = bootIdOf(index) as Extract<ObservedState, { kind: 'running' }>['bootId']
  const kinds: Record<number, ObservedState> = {
    2: {
      kind: 'failed',
      since,
      reason: 'agent_timeout',
      phase: 'waiting_for_service_ready',
      detail: 'Boot 2 reached the kernel; the agent did not answer within 60 s.',
    },
    3: { kind: 'booting', since: now - 7000, phase: 'waiting_for_service_ready', bootId, attempt: 1 },
    7: { kind: 'unknown', since: now - 720_000, detail: 'The control socket did not answer.' },
    8: { kind: 'stopped', since },
    11: { kind: 'lost', since, detail: 'Its process ended at 09:41 without having been asked to.' },
    13: { kind: 'running', since, bootId, agent: 'silent' },
  }
  return kinds[index % 19] ?? { kind: 'running', since, bootId, agent: 'answering' }
}

export function sampleEnvironment(index: number, now: number, change: Partial<Environment> = {}): Environment {
  const observed = sampleObserved(index, now)
  const base = [...NAMES, ...MORE]
  const round = Math.floor(index / base.length)
  return {
    ...environmentSchema.parse({
      id: `env-${hex(((index + 1) * 2_654_435_761) % 0xffffffff, 8)}`,
      name: `${base[index % base.length] ?? 'env'}${round === 0 ? '' : `-${round}`}`,
      owner: OWNERS[index % OWNERS.length],
      image: IMAGES[index % IMAGES.length],
      driver: 'qemu',
      size: { cpus: 1 + (index % 4), memoryMiB: 512 * (1 + (index % 3)), homeMiB: 4096 },
      desired: observed.kind === 'stopped' ? 'stopped' : 'running',
      observed,
      observedAt: now - 1000 * (index % 4),
      generation: 1 + (index % 5),
      isProtected: index % 17 === 5,
      labels: index % 3 === 0 ? { team: 'blue', stage: 'prod' } : {},
      startup: null,
      quarantine: null,
      home: { id: `home-${hex(index + 1, 16)}`, sizeMiB: 4096, madeAt: now - 86_400_000, goneAt: null },
      boot: { id: bootIdOf(index), ordinal: 1 + (index % 4), startedAt: now - 3_600_000 },
      operationId: null,
      createdAt: now - 86_400_000,
    }),
    ...change,
  }
}

export function sampleOperation(index: number, environment: Environment, change: Partial<Operation> = {}): Operation {
  const requestedAt = environment.createdAt + (index % 100) * 600_000
  return {
    ...operationSchema.parse({
      id: `op-${hex(index + 1, 16)}`,
      kind: (['spawn', 'stop', 'start'] as const)[index % 3],
      environmentId: environment.id,
      environmentName: environment.name,
      commandId: `cmd-${hex(index + 1, 32)}`,
      requestId: `req-${hex(index + 1, 16)}`,
      actor: { user: index % 2 === 0 ? 'ada' : 'otto', uid: 2001, role: 'admin', claimedActor: 'op@desk-1' },
      status: { kind: 'succeeded', endedAt: requestedAt + 4200 },
      step: 'wait-until-ready',
      stepIndex: 4,
      stepCount: 5,
      phase: 'ready',
      attempt: 1,
      isCancellable: false,
      progress: null,
      result: null,
      requestedAt,
    }),
    ...change,
  }
}

export function samplePlan(environment: Environment, kind: 'destroy' | 'reset'): Plan {
  const losses = [`The home of ${environment.name} with 1.3 GiB of data is removed for good.`]
  const keeps = ['The operation and its reason stay on record.']
  const first = `${environment.name} (${environment.id}) of ${environment.owner} is ${kind === 'reset' ? 'reset' : 'destroyed'}.`
  return {
    kind,
    environmentId: environment.id,
    environmentName: environment.name,
    generation: environment.generation,
    text: [first, 'The guest is stopped first, if it runs.', ...losses, ...keeps].join('\n'),
    losses,
    keeps,
    homeBytes: 1_395_864_371,
    needsName: true,
    hash: 'a'.repeat(64),
  }
}

// eslint-disable-next-line max-params -- a sample of four independent parts
export function stateOf(
  hostId: HostId,
  environments: Environment[],
  now: number,
  operations: Operation[] = [],
): HostState {
  return { hostId, environments, operations, backups: [], confirmedAt: now, activityHead: null }
}

/** A fleet of the first `hostCount` hosts, with `count` environments spread over those that are connected. */
export function sampleFleet(count: number, now = Date.now()): { hosts: Host[]; states: HostState[] } {
  const failure = failureWith('host_unreachable', 'fra-edge.example.net did not answer on port 22 within 5 s.')
  const hosts = [
    sampleHost(0, connected('admin', now)),
    sampleHost(1, connected('operator', now)),
    sampleHost(2, connected('viewer', now)),
    sampleHost(3, { kind: 'retrying', since: now - 720_000, attempt: 4, nextAt: now + 6_000, failure }),
    sampleHost(4, { kind: 'disconnected', since: now - 86_400_000 }),
  ]
  const states = hosts.slice(0, 4).map((host, place) => {
    const mine = Array.from({ length: count }, (_unused, index) => index).filter((index) => index % 4 === place)
    const isLive = host.connection.kind === 'connected'
    const environments = mine.map((index) => sampleEnvironment(index, isLive ? now : now - 720_000))
    const operations = environments
      .slice(0, 8)
      .flatMap((environment, index) => [
        sampleOperation(place * 100 + index * 3, environment),
        sampleOperation(place * 100 + index * 3 + 1, environment),
      ])
    const backups: BackupStatus[] = environments.map((each, at) => sampleBackup(mine[at] ?? 0, each))
    return { ...stateOf(host.id, environments, isLive ? now : now - 720_000, operations), backups }
  })
  return { hosts, states }
}
