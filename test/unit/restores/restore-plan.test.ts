import { describe, expect, it } from 'vitest'
import { DEFAULT_DEADLINES } from '../../../host-daemon/daemon-options.ts'
import { diskNeededBytes } from '../../../host-daemon/restores/restore-room.ts'
import { restorePlan, type RestoreFindings } from '../../../host-daemon/restores/restore-plan.ts'
import type { StoredEnvironment } from '../../../host-daemon/store/environment-row.ts'
import type { KeptHome } from '../../../host-daemon/store/kept-homes-table.ts'
import type { StoredPoint } from '../../../host-daemon/store/points-table.ts'

const MIB = 1024 * 1024
const NOW = Date.UTC(2024, 4, 2, 12, 0, 0)
const TAKEN_AT = NOW - 65 * 60_000

const ENVIRONMENT = {
  id: 'env-00000001',
  name: 'web',
  owner: 'ops',
  generation: 3,
  image: 'minimal@1',
  size: { cpus: 1, memoryMiB: 512, homeMiB: 1024 },
  home: { id: 'home-0000000000000001', sizeMiB: 1024, madeAt: 1, goneAt: null },
  observed: { kind: 'running', since: 1, bootId: 'boot-0000000000000001', agent: 'answering' },
  startup: null,
  isProtected: false,
  quarantine: null,
} as unknown as StoredEnvironment

const POINT = {
  id: 'a'.repeat(64),
  environmentId: ENVIRONMENT.id,
  homeId: ENVIRONMENT.home.id,
  takenAt: TAKEN_AT,
  hostName: 'alpha',
  bytes: 10 * MIB,
  entries: 100,
  consistency: 'quiesced',
  unreadableCount: 0,
  verifiedAt: null,
  drilledAt: null,
  hasPassedDrill: null,
  forgottenAt: null,
  repository: '/srv/env-00000001',
} as unknown as StoredPoint

const FOUND: RestoreFindings = {
  environment: ENVIRONMENT,
  point: POINT,
  newest: POINT,
  home: { kind: 'present', bytes: 300 * MIB, isEmpty: false },
  loss: { kind: 'counted', changes: { added: 0, changed: 0, removed: 0, bytesWritten: 0, bytesRemoved: 0 } },
  kept: undefined,
  isStopNow: false,
  diskNeededBytes: 80 * MIB,
  diskFreeBytes: 5000 * MIB,
  now: NOW,
}
const AROUND = { hostName: 'alpha', deadlines: DEFAULT_DEADLINES, undoMs: 3_600_000, facts: { homeId: 'x' } }
const textOf = (more: Partial<RestoreFindings>) => restorePlan({ ...FOUND, ...more }, AROUND).text

describe('the plan of a restore', () => {
  it('names environment, point, age, host, what is kept and until when, downtime and disk', () => {
    const plan = restorePlan(FOUND, AROUND)
    expect(plan).toMatchObject({
      ageMs: 65 * 60_000,
      undoUntil: NOW + 3_600_000,
      homeBytes: 300 * MIB,
      dropsUndo: false,
    })
    expect(plan.text).toContain(`the recovery point ${POINT.id} of 2024-05-02T10:55:00Z, which is 1 h 5 min old`)
    expect(plan.text).toContain('Since then, nothing was added, changed or removed.')
    expect(plan.text).toContain('is kept until 2024-05-02T13:00:00Z')
    expect(plan.text).toContain('the 300 MiB that it takes on disk is free again after that')
    expect(plan.text).toContain('at most 150 s before that is given up')
    expect(plan.text).toContain('needs up to 80 MiB of disk beside the present one; 4.9 GiB are free')
    expect(plan.point).not.toHaveProperty('repository')
  })

  it('says that there is a newer point, and what speaks against that one', () => {
    expect(textOf({})).not.toContain('newer')
    const newest = { ...POINT, id: 'b'.repeat(64), takenAt: TAKEN_AT + 60_000 } as StoredPoint
    const newer = 'There is a newer recovery point, bbbbbbbb of 2024-05-02T10:56:00Z.'
    expect(textOf({ newest })).toContain(`${newer}\n`)
    expect(textOf({ newest: { ...newest, hasPassedDrill: false } })).toContain(
      `${newer} About that one: it did not pass its drill.`,
    )
  })

  it('says what was not counted, and what the newest point says instead', () => {
    const sinceLatest = { added: 3, changed: 2, removed: 1, bytesWritten: 5 * MIB, bytesRemoved: 1 }
    const text = textOf({ loss: { kind: 'not_counted', why: 'A backup is reading it.', sinceLatest } })
    expect(text).toContain('How much that is was not counted. A backup is reading it.')
    expect(text).toContain(
      'From the point to the newest one, 3 files and folders were added, 2 changed (5 MiB written)',
    )
  })

  it('keeps nothing where the home is gone, and asks for no name', () => {
    const plan = restorePlan({ ...FOUND, home: { kind: 'absent', wasUsed: true }, loss: { kind: 'no_home' } }, AROUND)
    expect(plan).toMatchObject({ undoUntil: null, needsName: false, homeBytes: 0, losses: [] })
    expect(plan.text).toContain('there will be nothing to undo to')
  })

  it('says that an earlier undo ends, and counts that among what is lost', () => {
    const kept = { homeId: 'home-00000000000000aa', until: NOW + 60_000 } as KeptHome
    const plan = restorePlan({ ...FOUND, kept }, AROUND)
    expect(plan.dropsUndo).toBe(true)
    expect(plan.losses.at(-1)).toContain(
      'The home home-00000000000000aa, which is kept for an earlier undo until 2024-05-02T12:01:00Z',
    )
  })

  it('says what the guest goes through, by its state and by what was chosen', () => {
    const stopped = { ...ENVIRONMENT, observed: { kind: 'stopped', since: 1 } } as StoredEnvironment
    expect(textOf({ environment: stopped })).toContain('The guest is not running; it is started on the restored home.')
    expect(textOf({ isStopNow: true })).toContain('it is stopped at once, before anything else.')
    expect(textOf({ isStopNow: true })).toContain('It is down for as long as the restore takes, and then one stop')
  })

  it('does not hide what is wrong with the point', () => {
    const point = { ...POINT, consistency: 'neither', unreadableCount: 2, takenAt: NOW + 60_000 } as StoredPoint
    const text = textOf({ point })
    expect(text).toContain("which is ahead of this host's clock")
    expect(text).toContain('damaged beyond what a replay of its journal mends')
    expect(text).toContain('2 files could not be read when it was made, and are not in it.')
  })

  it('is another plan by its hash whenever anything of it is another', () => {
    const hashes = [
      restorePlan(FOUND, AROUND),
      restorePlan({ ...FOUND, isStopNow: true }, AROUND),
      restorePlan(FOUND, { ...AROUND, facts: { homeId: 'y' } }),
    ].map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(3)
    expect(restorePlan(FOUND, AROUND).hash).toBe(hashes[0])
  })
})

describe('the disk that a restore needs', () => {
  it('is what is in the point, its blocks and its file system, and never more than the home', () => {
    expect(diskNeededBytes(ENVIRONMENT, { bytes: 10 * MIB, entries: 100 })).toBe(10 * MIB + 100 * 4096 + 64 * MIB)
    expect(diskNeededBytes(ENVIRONMENT, { bytes: 1023 * MIB, entries: 100_000 })).toBe(1024 * MIB)
  })
})
