import type { CallNameOf } from '../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../src-shared/contract/daemon.ts'
import type { FieldLayout } from './fields.ts'

export type DaemonCallName = CallNameOf<DaemonContract>

/** How a call is said on the command line; everything else of the command derives from the contract. */
export interface Spelling extends FieldLayout {
  /** Such as `env spawn`. */
  readonly words: readonly [string, ...string[]]
  /** Said by this switch of a command that another call has too. */
  readonly mode?: 'plan'
}

/** See docs/decisions/0015-what-latest-means.md. */
const GOOD = 'latest is the newest that nothing speaks against'
const NEWEST = 'latest is the newest, whatever speaks against it'

const POLICY_WORDS = {
  policy: 'policy',
  'policy.intervalMinutes': '--every-minutes',
  'policy.keep': '--keep-last and its like',
  'policy.keep.last': '--keep-last',
  'policy.keep.hourly': '--keep-hourly',
  'policy.keep.daily': '--keep-daily',
  'policy.keep.weekly': '--keep-weekly',
  'policy.keep.monthly': '--keep-monthly',
  'policy.keep.yearly': '--keep-yearly',
  'policy.freshnessMinutes': '--stale-after-minutes',
  'policy.drillIntervalHours': '--drill-every-hours',
}

/** Every call of the daemon; the compiler refuses a call without its words. */
export const SPELLINGS: Record<DaemonCallName, Spelling> = {
  hello: { words: ['hello'] },
  'environments.list': { words: ['env', 'list'] },
  'environments.get': { words: ['env', 'show'], positional: ['environment'] },
  'environments.spawn': {
    words: ['env', 'spawn'],
    positional: ['name'],
    spread: ['size'],
    apart: {
      labels: '--label',
      startup: '--startup-command, --env and --file',
      'startup.command': '--startup-command',
      'startup.variables': '--env',
      'startup.files': '--file',
    },
  },
  'environments.start': { words: ['env', 'start'], positional: ['environment'] },
  'environments.stop': { words: ['env', 'stop'], positional: ['environment'] },
  'environments.reboot': { words: ['env', 'reboot'], positional: ['environment'] },
  'environments.recover': { words: ['env', 'recover'], positional: ['environment'] },
  'environments.resize': { words: ['env', 'resize'], positional: ['environment'], spread: ['size'] },
  'environments.rename': { words: ['env', 'rename'], positional: ['environment', 'name'] },
  'environments.setLabels': { words: ['env', 'label'], positional: ['environment'], apart: { labels: 'label' } },
  'environments.reset.plan': { words: ['env', 'reset'], positional: ['environment'], mode: 'plan' },
  'environments.reset.run': { words: ['env', 'reset'], positional: ['environment'] },
  'environments.setProtection': { words: ['env', 'protect'], positional: ['environment', 'isProtected'] },
  'environments.destroy.plan': { words: ['env', 'destroy'], positional: ['environment'], mode: 'plan' },
  'environments.destroy.run': { words: ['env', 'destroy'], positional: ['environment'] },
  'operations.list': { words: ['operations', 'list'] },
  'operations.get': { words: ['operations', 'show'], positional: ['id'] },
  'operations.steps': { words: ['operations', 'steps'], positional: ['id'] },
  'operations.wait': { words: ['operations', 'wait'], positional: ['id'] },
  'operations.cancel': { words: ['operations', 'cancel'], positional: ['id'] },
  'backups.status': { words: ['backup', 'status'], positional: ['environment'] },
  'backups.points': { words: ['backup', 'list'], positional: ['environment'] },
  'backups.orphaned': { words: ['backup', 'orphaned'] },
  'backups.adopt': { words: ['backup', 'adopt'], positional: ['environment'] },
  'backups.now': { words: ['backup', 'now'], positional: ['environment'] },
  'backups.check': { words: ['backup', 'check'], positional: ['environment'], apart: { depth: '--depth' } },
  'backups.prune': { words: ['backup', 'prune'], positional: ['environment'] },
  'backups.setPolicy': { words: ['backup', 'policy'], positional: ['environment'], apart: POLICY_WORDS },
  'backups.browse': {
    words: ['backup', 'files'],
    positional: ['environment', 'point', 'folder'],
    notes: { point: GOOD },
  },
  'backups.compare': {
    words: ['backup', 'compare'],
    positional: ['environment', 'from', 'to'],
    notes: { from: GOOD, to: GOOD },
  },
  'restore.plan': { words: ['restore', 'plan'], positional: ['environment'], notes: { point: GOOD } },
  'restore.run': { words: ['restore', 'run'], positional: ['environment'] },
  'undo.plan': { words: ['restore', 'undo'], positional: ['environment'], mode: 'plan' },
  'undo.run': { words: ['restore', 'undo'], positional: ['environment'] },
  'drop.plan': { words: ['restore', 'drop'], positional: ['environment'], mode: 'plan' },
  'drop.run': { words: ['restore', 'drop'], positional: ['environment'] },
  files: { words: ['restore', 'files'], positional: ['environment', 'paths'], notes: { point: GOOD } },
  clone: { words: ['restore', 'clone'], positional: ['environment', 'name'], spread: ['size'], notes: { point: GOOD } },
  drill: { words: ['drill'], positional: ['environment'], notes: { point: NEWEST } },
  'owners.list': { words: ['owners', 'list'] },
  'owners.put': { words: ['owners', 'put'], positional: ['name'] },
  'images.list': { words: ['images', 'list'] },
  'consoles.boots': { words: ['env', 'boots'], positional: ['environment'] },
  'activity.list': { words: ['activity', 'list'] },
  'activity.head': { words: ['activity', 'head'] },
  'drift.list': { words: ['drift', 'list'] },
  'drift.plan': { words: ['drift', 'clean-up'], positional: ['items'], mode: 'plan' },
  'drift.run': { words: ['drift', 'clean-up'] },
  events: { words: ['events'] },
}

/** What the groups of commands are about, for `--help`. */
export const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  hosts: 'The hosts that this console knows.',
  env: 'Environments of a host.',
  operations: 'Durable operations of a host.',
  backup: 'Recovery points of homes, and how well environments are protected.',
  restore: 'Bring homes and files back from recovery points.',
  owners: 'Who may own environments on a host.',
  activity: 'The record of who did what, and its verification.',
  drift: 'What is on a host that its record does not account for.',
  images: 'Images built on a host.',
}
