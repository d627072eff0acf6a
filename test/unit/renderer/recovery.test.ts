import { describe, expect, it } from 'vitest'
import { backupActionBlock, type BackupFacts } from '../../../src-renderer/lib/backup-rules.ts'
import { browseCli, checkCli, policyCli } from '../../../src-renderer/lib/backup-cli.ts'
import { judgeFreshness } from '../../../src-renderer/lib/freshness.ts'
import { baseName } from '../../../src-renderer/lib/point-path.ts'
import { progressPercent, progressText } from '../../../src-renderer/lib/progress-words.ts'
import { countKinds, inOldPlaces, matchingRows, orderRows } from '../../../src-renderer/lib/recovery-list.ts'
import { checkPolicy, fieldsOf } from '../../../src-renderer/features/recovery/policy-fields.ts'
import { visibleName } from '../../../src-shared/lib/acting-characters.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { SAMPLE_POLICY, sampleBackup } from '../../support/fake-app-backup-samples.ts'
import {
  connected,
  failureWith,
  sampleEnvironment,
  sampleHost,
  sampleOperation,
} from '../../support/fake-app-samples.ts'

const NOW = 1_800_000_000_000
const HOST = 'host-00000001' as HostId
const ANY = { text: '', hostId: null, owner: null }
const nameOfHost = (): string => 'lon-1'

const rows = Array.from({ length: 19 }, (_unused, index) => {
  const environment = sampleEnvironment(index, NOW)
  const status = sampleBackup(index, environment)
  const judged = judgeFreshness(status, { confirmedAt: NOW, clockOffsetMs: 0 }, NOW)
  return { row: { key: `${HOST}/${environment.id}`, hostId: HOST, environment }, status, judged }
})

describe('the list of the recovery screen', () => {
  it('has what needs someone first, and the oldest point of a class first', () => {
    const ordered = orderRows(rows, { key: 'freshness', isDescending: false }, nameOfHost)
    const kinds = ordered.map(({ judged }) => judged.kind)
    expect(kinds.slice(0, 6)).toEqual(['unavailable', 'unavailable', 'missing', 'stale', 'stale', 'not_provisioned'])
    const healthy = ordered
      .filter(({ judged }) => judged.kind === 'healthy')
      .map(({ status }) => status?.latest?.takenAt)
    expect(healthy).toEqual([...healthy].sort((a, b) => (a ?? 0) - (b ?? 0)))
  })

  it('counts every class, and filters by words, owner and host', () => {
    expect(countKinds(rows)).toEqual({ unavailable: 2, missing: 1, stale: 2, not_provisioned: 1, healthy: 13 })
    expect(matchingRows(rows, { ...ANY, text: 'owner:acme billing' }, nameOfHost)).toHaveLength(1)
    expect(matchingRows(rows, { ...ANY, hostId: 'host-00000009' as HostId }, nameOfHost)).toEqual([])
    const acme = matchingRows(rows, { ...ANY, owner: 'acme' }, nameOfHost)
    expect(acme.every(({ row }) => row.environment.owner === 'acme')).toBe(true)
  })

  it('leaves rows in their places while someone is about to press one, and puts new ones last', () => {
    const before = rows.slice(0, 3)
    const names = inOldPlaces([rows[4]!, rows[2]!, rows[0]!], before).map(({ row }) => row.key)
    expect(names).toEqual([rows[0]?.row.key, rows[2]?.row.key, rows[4]?.row.key])
  })
})

describe('what can be done about backups', () => {
  const environment = sampleEnvironment(0, NOW)
  const facts: BackupFacts = {
    host: sampleHost(0, connected('admin', NOW)),
    environment,
    status: sampleBackup(0, environment),
    inFlight: undefined,
    inFlightSince: 0,
    unanswered: undefined,
    now: NOW,
    running: [],
    heardAt: NOW,
    clockOffsetMs: 0,
  }
  const running = sampleOperation(0, environment, { kind: 'backup', status: { kind: 'running' }, requestedAt: NOW })

  it('is allowed to whoever has the role', () => {
    expect(backupActionBlock('backup', facts)).toBeNull()
    const operator = { ...facts, host: sampleHost(0, connected('operator', NOW)) }
    expect(backupActionBlock('backup', operator)).toBeNull()
    expect(backupActionBlock('restore', operator)).toContain('Needs the admin role')
  })

  it('names the operation in the way, with its user, step and age', () => {
    const inFlight = { ...running, kind: 'restore' as const, step: 'fill-home' }
    const held = { ...facts, inFlight, inFlightSince: NOW - 720_000 }
    const says = backupActionBlock('backup', held)
    expect(says).toMatch(/^Restore by ada .* is running: fill home · step 5 of 5, 12 min\.$/)
    expect(backupActionBlock('browse', held)).toBeNull()
  })

  it('lets a restore displace a backup that runs, and no second backup beside it', () => {
    const busy = { ...facts, running: [running] }
    expect(backupActionBlock('restore', busy)).toBeNull()
    expect(backupActionBlock('backup', busy)).toContain('Backup by ada')
  })

  it('says how long ago an unreachable host was heard', () => {
    const failure = failureWith('host_unreachable', 'Nothing answered.')
    const away = sampleHost(0, { kind: 'retrying', since: NOW, attempt: 1, nextAt: NOW, failure })
    const says = backupActionBlock('restore', { ...facts, host: away, heardAt: NOW - 720_000 })
    expect(says).toContain('It was last heard 12 min ago.')
  })

  it('refuses what there is nothing for', () => {
    const nothing = { ...facts, status: sampleBackup(5, environment) }
    expect(backupActionBlock('restore', nothing)).toBe('There is no recovery point yet.')
    expect(backupActionBlock('undo', facts)).toBe('No home is kept for undo.')
    const undo = { homeId: environment.home.id, until: NOW - 1, bytes: null, restoredAt: NOW - 2 }
    const late = { ...facts, status: { ...facts.status, undo } as typeof facts.status }
    expect(backupActionBlock('undo', late)).toBe('The time for undo is over.')
    expect(backupActionBlock('drop', facts)).toBe('No home is kept beside its own.')
    expect(backupActionBlock('drop', late)).toBeNull()
    const keptForReview = [{ homeId: environment.home.id, keptAt: NOW, bytes: null }]
    const reviewed = { ...facts, status: { ...facts.status, keptForReview } as typeof facts.status }
    expect(backupActionBlock('drop', reviewed)).toBeNull()
  })

  it('refuses everything but looking to a quarantined one', () => {
    const kept = { ...facts, environment: { ...environment, quarantine: 'Its record is malformed.' } }
    expect(backupActionBlock('backup', kept)).toContain('quarantined')
    expect(backupActionBlock('browse', kept)).toBeNull()
  })
})

describe('names that a guest chose', () => {
  it.each([
    ['plain name.txt', 'plain name.txt'],
    ['invoice\u202efdp.exe', String.raw`invoice\u{202e}fdp.exe`],
    ['two\nlines', String.raw`two\nlines`],
    ['\u001b[31mred', String.raw`\u{1b}[31mred`],
    [String.raw`\u{202e}`, String.raw`\\u{202e}`],
    ['a\u200bb\u00a0c\u2028', String.raw`a\u{200b}b\u{a0}c\u{2028}`],
    ['half \ud800', String.raw`half \u{d800}`],
    ['tag\u{e0041}', String.raw`tag\u{e0041}`],
    ['<b>&amp;', '<b>&amp;'],
    ['größe 日本 שלום', 'größe 日本 שלום'],
  ])('shows %j', (name, shown) => {
    expect(visibleName(name)).toBe(shown)
  })

  it('takes the last part of a path', () => {
    expect(baseName('/work/a\nb')).toBe('a\nb')
  })
})

describe('progress and forms', () => {
  const progress = { doneBytes: 512, totalBytes: 1024, doneFiles: 3, totalFiles: null, bytesPerSecond: 256 }

  it('says bytes, files and rate, and never that it is done', () => {
    expect(progressText(progress)).toBe('512 B of 1 KiB · 3 files · 256 B/s')
    expect(progressPercent({ ...progress, doneBytes: 1024 })).toBe(99)
    expect(progressPercent({ ...progress, totalBytes: null })).toBeNull()
    expect(progressText(null)).toBe('')
  })

  it('reads a policy from its fields, and names the field that is wrong', () => {
    const fields = fieldsOf(SAMPLE_POLICY)
    expect(checkPolicy(fields).policy).toEqual(SAMPLE_POLICY)
    expect(checkPolicy({ ...fields, interval: '3' }).error).toContain('Every: must be')
    expect(checkPolicy({ ...fields, interval: '' }).policy?.intervalMinutes).toBeNull()
    expect(checkPolicy({ ...fields, keep: { ...fields.keep, daily: 'x' } }).error).toContain('Keep daily')
    const none = { last: '', hourly: '', daily: '', weekly: '', monthly: '', yearly: '' }
    expect(checkPolicy({ ...fields, keep: none }).error).toContain('at least one rule')
  })

  it('has a form for the command line', () => {
    const where = { name: 'demo', host: 'lon-1', point: 'ab12ab12' }
    expect(browseCli(where, '/a b')).toBe("pilothouse backup files demo ab12ab12 '/a b' --host lon-1")
    expect(browseCli(where, "/it's\u001b[201~\u202e")).toBe(
      String.raw`pilothouse backup files demo ab12ab12 $'/it\'s\x1b[201~\xe2\x80\xae' --host lon-1`,
    )
    expect(checkCli('demo', 'lon-1', { part: 1, of: 7 })).toBe('pilothouse backup check demo --host lon-1 --depth 1/7')
    const after = { ...SAMPLE_POLICY, keep: { daily: 7 }, drillIntervalHours: null }
    expect(policyCli({ name: 'demo', host: 'lon-1' }, SAMPLE_POLICY, after)).toBe(
      'pilothouse backup policy demo --host lon-1 --every-minutes 60 --keep-daily 7 --keep-hourly none ' +
        '--keep-weekly none --stale-after-minutes derived --drill-every-hours never',
    )
    expect(policyCli({ name: 'demo', host: '' }, SAMPLE_POLICY, null)).toBe(
      'pilothouse backup policy demo --host HOST --host-default',
    )
  })
})
