import { metaAt } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import { inFlightBlock, runningBlock, wallBlock, type ActionFacts } from './action-rules.ts'
import { spanText } from './format.ts'
import { roleBlock } from './role-block.ts'

/** What can be done about an environment's backups, and the call that does it. */
const CALLS = {
  backup: ['backups', 'now'],
  restore: ['restore', 'run'],
  undo: ['undo', 'run'],
  drop: ['drop', 'run'],
  drill: ['drill'],
  clone: ['clone'],
  'restore-files': ['files'],
  browse: ['backups', 'browse'],
  compare: ['backups', 'compare'],
  check: ['backups', 'check'],
  prune: ['backups', 'prune'],
  policy: ['backups', 'setPolicy'],
} as const
export type BackupAction = keyof typeof CALLS
export const BACKUP_ACTIONS = Object.keys(CALLS) as BackupAction[]

/** What a screen knows when it decides whether a button may be pressed. The daemon decides in the end. */
export interface BackupFacts extends ActionFacts {
  readonly status: BackupStatus | undefined
  /** What goes on for this environment, whatever it claims. */
  readonly running: readonly Operation[]
  /** Console clock: when the host was last heard; null when never. */
  readonly heardAt: number | null
  /** Host clock − console clock. */
  readonly clockOffsetMs: number
}

/** Need the home as it stands; an operation that holds it stands in their way. */
const NEEDS_HOME: ReadonlySet<BackupAction> = new Set(['backup', 'restore', 'undo', 'drop', 'drill'])
/** Only read, or change what is not the environment's record. */
const SAFE_IN_QUARANTINE: ReadonlySet<BackupAction> = new Set(['browse', 'compare'])
const NEEDS_POINT: ReadonlySet<BackupAction> = new Set([
  ...(['restore', 'drill', 'clone', 'restore-files', 'browse', 'compare', 'prune'] as const),
])

function hostBlock(action: BackupAction, { host, heardAt, now }: BackupFacts): string | null {
  const needed = metaAt(daemonContract, CALLS[action])?.role ?? 'admin'
  const block = roleBlock(host, needed, now)
  if (block === null || host === undefined || host.connection.kind === 'connected') return block
  return heardAt === null ? block : `${block} It was last heard ${spanText(now - heardAt)} ago.`
}

const OWN_KINDS: Partial<Record<BackupAction, OperationKind>> = {
  backup: 'backup',
  drill: 'drill',
  check: 'check',
  prune: 'prune',
}

/** The same goes on already, or, of those that need a repository for themselves, the other one. */
function twinBlock(action: BackupAction, { running, clockOffsetMs, now }: BackupFacts): string | null {
  const own = OWN_KINDS[action]
  const twin = running.find(({ kind }) => kind === own)
  return twin === undefined ? null : runningBlock(twin, now - (twin.requestedAt - clockOffsetMs))
}

function undoBlock({ status, now, clockOffsetMs }: BackupFacts): string | null {
  const undo = status?.undo ?? null
  if (undo === null) return 'No home is kept for undo.'
  return now + clockOffsetMs > undo.until ? 'The time for undo is over.' : null
}

function dropBlock({ status }: BackupFacts): string | null {
  const isKept = status !== undefined && (status.undo !== null || status.keptForReview.length > 0)
  return isKept ? null : 'No home is kept beside its own.'
}

function backupBlock({ environment }: BackupFacts): string | null {
  if (environment === undefined) return null
  if (environment.home.goneAt !== null) return 'Its home is gone; there is nothing to back up. Restore a point instead.'
  return environment.home.madeAt === null ? 'It has no home yet, so there is nothing to back up.' : null
}

function pointBlock(action: BackupAction, { status }: BackupFacts): string | null {
  if (!NEEDS_POINT.has(action)) return null
  const count = status?.pointCount ?? 0
  if (count === 0) return 'There is no recovery point yet.'
  return action === 'compare' && count < 2 ? 'There is only one recovery point; comparing needs two.' : null
}

function ownBlock(action: BackupAction, facts: BackupFacts): string | null {
  if (action === 'undo') return undoBlock(facts)
  if (action === 'drop') return dropBlock(facts)
  return action === 'backup' ? backupBlock(facts) : pointBlock(action, facts)
}

/** Why an action cannot be pressed now, as one sentence; null when it can. */
export function backupActionBlock(action: BackupAction, facts: BackupFacts): string | null {
  const needsHome = NEEDS_HOME.has(action)
  const wall = wallBlock(facts, {
    isClaiming: needsHome,
    hostBlock: hostBlock(action, facts),
    isSafeInQuarantine: SAFE_IN_QUARANTINE.has(action),
  })
  if (wall !== null) return wall
  return (needsHome ? inFlightBlock(facts) : null) ?? twinBlock(action, facts) ?? ownBlock(action, facts)
}
