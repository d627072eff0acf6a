import { describe, expect, it } from 'vitest'
import { progressLine } from '../../../src-main/shell/cli/progress.ts'
import { adoptedText, orphanedText } from '../../../src-main/shell/cli/render/adopted-points.ts'
import { backupFacts, byRisk } from '../../../src-main/shell/cli/render/backup.ts'
import { resultLines } from '../../../src-main/shell/cli/render/operation-result.ts'
import { comparisonText, listingText, pointTable } from '../../../src-main/shell/cli/render/recovery-point.ts'
import { localTime } from '../../../src-main/shell/cli/render/text.ts'
import { visibleName } from '../../../src-shared/lib/acting-characters.ts'
import { FRESHNESS_KINDS, type BackupStatus, type Freshness } from '../../../src-shared/model/backup.ts'
import { operationResultSchema } from '../../../src-shared/model/operation-result.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { fakeDaemonWorld, type Sent } from '../../support/answering-session.ts'
import { cli } from '../../support/cli-run.ts'
import {
  ANSWERS,
  AT,
  backupSample,
  operationSample,
  pointSample,
  succeededSample,
} from '../../support/contract-samples.ts'

/** A name as a guest may choose it: a terminal's commands, a second line, a turn of the writing's direction. */
const HOSTILE = '/a\u001b]0;x\u0007\n\u202egnp.exe\\'
const SHOWN = String.raw`/a\u{1b}]0;x\u{7}\n\u{202e}gnp.exe\\`
// eslint-disable-next-line no-control-regex -- control characters are what must not be there
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u

function of(name: string, kind: Freshness['kind'], latestAt: number | null): BackupStatus {
  const latest = latestAt === null ? null : { ...pointSample, takenAt: latestAt }
  return { ...backupSample, environmentName: name as never, latest, freshness: { ...backupSample.freshness, kind } }
}

const answering = (...rows: BackupStatus[]) => ({ 'backups.status': () => ({ ...ANSWERS['backups.status'], rows }) })

describe('text that a guest chose', () => {
  it('shows what acts as its code, and two names that differ as two', () => {
    expect(visibleName(HOSTILE)).toBe(SHOWN)
    expect(visibleName('plain name – ü 漢 👍')).toBe('plain name – ü 漢 👍')
    expect(visibleName('a b')).not.toBe(visibleName('a\u00a0b'))
    expect(visibleName('a')).not.toBe(visibleName('a\u200b'))
    expect(visibleName(String.raw`a\n`)).not.toBe(visibleName('a\n'))
  })

  it('is never printed as it is', () => {
    const listing = { ...ANSWERS['backups.browse'], next: HOSTILE }
    const entry = { ...listing.entries[0]!, path: HOSTILE }
    const change = { ...ANSWERS['backups.compare'].changes[0]!, path: HOSTILE }
    const texts = [
      listingText({ ...listing, entries: [entry] }),
      comparisonText({ ...ANSWERS['backups.compare'], changes: [change], next: HOSTILE }),
      pointTable([{ ...pointSample, tags: [HOSTILE] }]),
      ...resultLines(
        operationResultSchema.parse({
          kind: 'restore_files',
          pointId: pointSample.id,
          folder: '/var/lib/pilothouse/restored/x',
          files: 1,
          bytes: 2,
          skipped: [{ path: HOSTILE, why: HOSTILE }],
          skippedCount: 7,
        }),
      ),
      ...resultLines({ kind: 'check', depth: 'all', isSound: false, findings: [HOSTILE] }),
      ...resultLines({
        kind: 'drill',
        pointId: pointSample.id,
        isPassed: false,
        checks: [{ name: HOSTILE, isPassed: false, detail: HOSTILE }],
        promotedTo: null,
      }),
    ]
    for (const text of texts) expect(text).not.toMatch(UNSAFE)
    expect(texts[0]).toContain(`${SHOWN}\n`)
    expect(texts.join('\n')).toContain('and 6 more')
  })

  it('goes back as it is where the next page is asked for', () => {
    const page = { ...ANSWERS['backups.browse'], next: HOSTILE }
    const [, quoted = ''] = /--after \$'(.*)'$/.exec(listingText(page)) ?? []
    const bytes = Array.from(quoted.matchAll(/\\(\d{3})/g), ([, octal = '']) => Number.parseInt(octal, 8))
    expect(Buffer.from(bytes).toString('utf8')).toBe(HOSTILE)
    expect(listingText({ ...page, next: "/it's" })).toContain(String.raw`--after '/it'\''s'`)
  })
})

describe('backup status', () => {
  const rows = [
    of('fine', 'healthy', AT),
    of('new', 'not_provisioned', null),
    of('late', 'stale', AT - 2),
    of('later', 'stale', AT - 1),
    of('never', 'missing', null),
    of('mute', 'unavailable', AT),
  ]

  it('lists what needs someone first, with the sentence of each', async () => {
    expect(byRisk(rows).map(({ environmentName }) => environmentName)).toEqual([
      ...['mute', 'never', 'late', 'later', 'new', 'fine'],
    ])
    const { stdout, status } = await cli(['backup', 'status'], fakeDaemonWorld([], answering(...rows)))
    expect(status).toBe(0)
    const lines = stdout.trimEnd().split('\n').slice(-6)
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['mute', 'never', 'late', 'later', 'new', 'fine'])
    for (const line of lines) expect(line).toContain(backupSample.freshness.sentence)
    expect(stdout).toContain("They are on this host's own disks: lost with it.")
  })

  it.each(FRESHNESS_KINDS)('ends with the exit for monitoring only where it is asked for: %s', async (kind) => {
    const world = fakeDaemonWorld([], answering(of('fine', 'healthy', AT), of('other', kind, AT)))
    const isFine = kind === 'healthy' || kind === 'not_provisioned'
    const asked = await cli(['backup', 'status', '--exit-code'], world)
    expect(asked.status).toBe(isFine ? 0 : 18)
    expect(asked.stderr).toBe('')
    expect(asked.stdout).toContain('other')
    expect((await cli(['backup', 'status'], world)).status).toBe(0)
    const json = await cli(['backup', 'status', '--exit-code', '--json'], world)
    expect(json.status).toBe(asked.status)
    expect((JSON.parse(json.stdout) as { rows: unknown[] }).rows).toHaveLength(2)
  })

  it('tells all of one environment: its last failure, its policy and what can be undone', async () => {
    const failure = { code: 'repository_locked', message: 'Another restic holds it.' } as never
    const undo = { homeId: 'home-00000000000000bb' as never, until: AT + 1000, bytes: 2048, restoredAt: AT }
    const lastAttempt = { ...backupSample.lastAttempt!, outcome: 'failed' as const, failure }
    const world = fakeDaemonWorld([], answering({ ...backupSample, lastAttempt, undo }))
    const { stdout } = await cli(['backup', 'status', 'demo'], world)
    expect(stdout).toContain('Another restic holds it. (repository_locked)')
    expect(stdout).toMatch(/^every +1 h$/m)
    expect(stdout).toMatch(/^keeps +24 last$/m)
    expect(stdout).toContain('It takes 2 KiB on the host. To go back: pilothouse restore undo demo --plan')
    expect(stdout).toContain('To give it up and have its space: pilothouse restore drop demo --plan')
    const keptForReview = [{ homeId: 'home-00000000000000dd' as never, keptAt: AT, bytes: 4096 }]
    expect(backupFacts({ ...backupSample, keptForReview })).toMatch(
      /^for review +home-00000000000000dd, set aside .*, taking 4 KiB on the host\n +To give it up: pilothouse restore drop demo --home home-00000000000000dd --plan$/m,
    )
    expect(backupFacts({ ...backupSample, latest: null, nextAt: null })).toMatch(/^next +none is scheduled$/m)
  })
})

describe('backup policy', () => {
  it.each([
    [['--every-minutes', 'often'], '--every-minutes: must be a whole number or never.'],
    [['--every-minutes', '1'], '--every-minutes: '],
    [['--keep-last', 'none'], 'must have at least one rule'],
    [['--host-default', '--keep-last', '3'], 'name nothing else with it'],
  ])('refuses %j before anything is changed', async (words, says) => {
    const sent: Sent[] = []
    const { status, stderr } = await cli(['backup', 'policy', 'demo', ...words], fakeDaemonWorld(sent))
    expect(status).toBe(2)
    expect(stderr).toContain(says)
    expect(sent.map(([name]) => name)).not.toContain('backups.setPolicy')
  })
})

describe('backup check', () => {
  it.each(['1/0', '9/8', '300/300', 'half', '-1/3'])('refuses the depth %s', async (depth) => {
    const sent: Sent[] = []
    const { status } = await cli(['backup', 'check', 'demo', `--depth=${depth}`], fakeDaemonWorld(sent))
    expect([status, sent]).toEqual([2, []])
  })
})

describe('what came of an operation', () => {
  const ended = (result: Operation['result']): Operation => ({ ...succeededSample, result })
  const point = pointSample.id

  it('is told in words', async () => {
    const result = {
      kind: 'restore' as const,
      pointId: point,
      homeId: 'home-00000000000000cc' as never,
      verified: ['The file system is sound.'],
      undo: { homeId: 'home-00000000000000aa' as never, until: AT, bytes: 4096 },
    }
    const world = fakeDaemonWorld([], { 'operations.get': () => ended(result) })
    const { stdout } = await cli(['operations', 'show', operationSample.id], world)
    expect(stdout).toMatch(new RegExp(`^result +The home is that of point ${point.slice(0, 16)}\\.$`, 'm'))
    expect(stdout).toContain('Verified: The file system is sound.')
    expect(stdout).toContain(`can be brought back until ${localTime(AT)}, and takes 4 KiB until then`)
  })

  it.each([
    [{ kind: 'check', depth: 'all', isSound: false, findings: ['A pack is damaged.'] }, 16],
    [{ kind: 'check', depth: 'all', isSound: true, findings: [] }, 0],
    [{ kind: 'drill', pointId: point, isPassed: false, checks: [], promotedTo: null }, 17],
    [{ kind: 'drill', pointId: point, isPassed: true, checks: [], promotedTo: null }, 0],
  ] as const)('is no success where it found something wrong (%#)', async (result, exit) => {
    const world = fakeDaemonWorld([], { 'operations.wait': () => ended(operationResultSchema.parse(result)) })
    expect((await cli(['drill', 'demo', '--point', 'latest', '--wait'], world)).status).toBe(exit)
  })

  it('is drawn with bytes and rate while it is waited for', () => {
    const progress = { doneBytes: 1 << 20, totalBytes: 4 << 20, doneFiles: 3, totalFiles: null, bytesPerSecond: 2048 }
    const line = progressLine({ ...operationSample, phase: null, progress }, 1500)
    expect(line).toBe('  1.5 s  spawn demo  create-home  1 MiB of 4 MiB, 3 files, 2 KiB/s')
  })
})

describe('points without an environment', () => {
  const adopted = ANSWERS['backups.adopt']

  it('are taken on record by the id, and what came of it says how to go on', async () => {
    const sent: Sent[] = []
    const run = await cli(['backup', 'adopt', 'env-0000abcd'], fakeDaemonWorld(sent))
    expect(run).toMatchObject({ status: 0, stderr: '' })
    expect(sent).toEqual([['backups.adopt', { environment: 'env-0000abcd' }]])
    expect(run.stdout).toMatch(/taken +1\n.*known before +2\n.*passed over +1\n/)
    expect(run.stdout).toContain(`${pointSample.id.slice(0, 16)}  ${localTime(AT)}`)
    expect(run.stdout).toContain('pilothouse backup list env-0000abcd')
    expect(await cli(['backup', 'adopt', 'web-1'], fakeDaemonWorld(sent))).toMatchObject({ status: 2, stdout: '' })
    expect(sent).toHaveLength(1)
  })

  it('are told whole: what is left, how many more were passed over, that there is none', () => {
    const none = { ...adopted, taken: 0, known: 0, passedOver: [], passedOverCount: 0 }
    expect(adoptedText({ ...adopted, left: 3, passedOverCount: 4 })).toMatch(/left +3: .*again\n[^]*and 3 older ones/)
    expect(adoptedText(none)).not.toContain('backup list')
    expect(adoptedText({ ...adopted, passedOver: [{ ...adopted.passedOver[0]!, why: HOSTILE }] })).not.toMatch(UNSAFE)
  })

  it('are listed by environment, with what nothing is on record of, where that can be told', () => {
    const orphaned = ANSWERS['backups.orphaned']
    const text = orphanedText(orphaned)
    expect(text).toMatch(/env-0000abcd +not known here +1 /)
    expect(text).toContain('pilothouse backup adopt:\n  env-0000abcd')
    expect(orphanedText({ environments: [], unrecorded: [] })).toMatch(
      /^No point on record .*\n\nBelow the base there is no/,
    )
    expect(orphanedText({ ...orphaned, unrecorded: null })).toContain('is not known.')
  })

  it('say in a list what is not known of them', () => {
    const text = pointTable([{ ...pointSample, addedBytes: null, durationMs: null, unreadableCount: null }])
    expect(text).toMatch(/unknown .*taken on record from its repository/)
  })
})
