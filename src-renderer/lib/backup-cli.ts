import type { BackupPolicy } from '../../src-shared/model/backup.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import { quotedSafely } from './shell-word.ts'

/** The CLI form of what a button about backups does, to copy. */
function backupCli(words: string, host: string): string {
  return `pilothouse backup ${words} --host ${host || 'HOST'}`
}

export function backupNowCli(name: string, host: string): string {
  return backupCli(`now ${name}`, host)
}

/** The forms of what a page about backups shows and does most. */
export function backupClis(name: string, host: string): string[] {
  const restore = `pilothouse restore plan ${name} --host ${host || 'HOST'}`
  return [...['status', 'now', 'list'].map((verb) => backupCli(`${verb} ${name}`, host)), restore]
}

export function pruneCli(name: string, host: string): string {
  return backupCli(`prune ${name}`, host)
}

export function checkCli(name: string, host: string, depth: CheckDepth): string {
  const said = typeof depth === 'string' ? depth : `${depth.part}/${depth.of}`
  return `${backupCli(`check ${name}`, host)}${depth === 'structure' ? '' : ` --depth ${said}`}`
}

export function browseCli(where: { name: string; host: string; point: string }, folder: string): string {
  const { name, host, point } = where
  return backupCli(`files ${name} ${point}${folder === '/' ? '' : ` ${quotedSafely(folder)}`}`, host)
}

export function compareCli(where: { name: string; host: string }, from: string, to: string): string {
  return backupCli(`compare ${where.name} ${from || 'FROM'} ${to || 'TO'}`, where.host)
}

export function adoptCli(id: string, host: string): string {
  return backupCli(`adopt ${id === '' ? 'ENVIRONMENT' : quotedSafely(id)}`, host)
}

/** Null: the host's own policy again. */
export function policyCli(where: { name: string; host: string }, before: BackupPolicy, policy: BackupPolicy | null) {
  const { name, host } = where
  const words = policy === null ? ['--host-default'] : policyWords(before, policy)
  return [backupCli(`policy ${name}`, host), ...words].join(' ')
}

/** A rule that goes is named too: what is not named stays. */
function policyWords(before: BackupPolicy, policy: BackupPolicy): string[] {
  const { intervalMinutes, keep, freshnessMinutes, drillIntervalHours } = policy
  const gone = Object.keys(before.keep).filter((rule) => !Object.hasOwn(keep, rule))
  return [
    `--every-minutes ${intervalMinutes ?? 'never'}`,
    ...Object.entries(keep).map(([rule, count]) => `--keep-${rule} ${count}`),
    ...gone.map((rule) => `--keep-${rule} none`),
    `--stale-after-minutes ${freshnessMinutes ?? 'derived'}`,
    `--drill-every-hours ${drillIntervalHours ?? 'never'}`,
  ]
}
