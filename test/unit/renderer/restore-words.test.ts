import { describe, expect, it } from 'vitest'
import type { RestorePlan } from '../../../src-shared/model/restore.ts'
import { newestGood } from '../../../src-renderer/features/restore/good-point.ts'
import { checkNewEnvironment, nameAfter } from '../../../src-renderer/features/restore/new-environment.ts'
import { proposedFolder } from '../../../src-renderer/features/restore/folder-name.ts'
import { planChanges } from '../../../src-renderer/features/restore/plan-changes.ts'
import { cloneCli, drillCli, dropCli, filesCli, restoreCli, undoCli } from '../../../src-renderer/lib/restore-cli.ts'
import { environmentNameSchema } from '../../../src-shared/model/ids.ts'
import { restoreFolderSchema } from '../../../src-shared/model/operation-result.ts'
import { doubtsOfPoint } from '../../../src-shared/model/point-doubts.ts'
import { samplePoint } from '../../support/fake-app-backup-samples.ts'
import { sampleEnvironment, samplePlan } from '../../support/fake-app-samples.ts'

const NOW = 1_763_700_000_000
const environment = sampleEnvironment(0, NOW)
const point = (change: object = {}) => samplePoint(0, environment, change)

describe('the point that is proposed', () => {
  it('is the newest that nothing speaks against', () => {
    const bad = [
      point({ hasPassedDrill: false }),
      point({ consistency: 'neither' }),
      point({ unreadableCount: 3 }),
      point({ takenAt: NOW + 3_600_000 }),
      point({ forgottenAt: NOW - 1 }),
    ]
    for (const each of bad) expect(doubtsOfPoint(each, NOW)).toHaveLength(1)
    const good = samplePoint(5, environment, { unreadableCount: 0 })
    expect(newestGood([...bad, good, samplePoint(6, environment)], NOW)).toBe(good)
  })

  it('is the newest where something speaks against them all, and none where there is none', () => {
    const bad = [point({ hasPassedDrill: false }), point({ unreadableCount: 1 })]
    expect(newestGood(bad, NOW)).toBe(bad[0])
    expect(newestGood([], NOW)).toBeUndefined()
  })
})

describe('what a new plan says otherwise', () => {
  const changes = { added: 1, changed: 2, removed: 3, bytesWritten: 4, bytesRemoved: 5 }
  const plan: RestorePlan = {
    ...samplePlan(environment, 'reset'),
    ...{ kind: 'restore', point: point(), ageMs: 1, loss: { kind: 'counted', changes }, isStopNow: false },
    ...{ diskNeededBytes: 1024, diskFreeBytes: 4096, undoUntil: NOW, dropsUndo: false },
  }

  it('is said of what matters', () => {
    const now: RestorePlan = { ...plan, generation: plan.generation + 1, dropsUndo: true, loss: { kind: 'no_home' } }
    expect(planChanges(plan, now)).toEqual([
      `generation: was ${plan.generation}, is ${plan.generation + 1}`,
      'written since the point: was 1 added, 2 changed, 3 removed, is there is no home to lose anything of',
      'earlier undo: was none, is removed',
    ])
    expect(planChanges(plan, { ...plan, ageMs: 2, undoUntil: NOW + 1 })).toEqual(['nothing but its times'])
  })

  it('is not said of the first plan, nor of one of another point', () => {
    expect(planChanges(null, plan)).toEqual([])
    expect(planChanges(plan, { ...plan, point: samplePoint(3, environment) })).toEqual([])
  })
})

describe('a new environment', () => {
  it('has a name that the contract takes, however long the source’s is', () => {
    for (const name of ['a', 'notebook', 'x'.repeat(63), `${'y'.repeat(55)}-${'z'.repeat(7)}`]) {
      expect(environmentNameSchema.safeParse(nameAfter(name, '-drilled')).success).toBe(true)
    }
  })

  it('is asked for only where all of it is valid', () => {
    expect(checkNewEnvironment({ name: 'copy', owner: 'acme' })).toEqual({
      errors: {},
      request: { name: 'copy', owner: 'acme' },
    })
    expect(checkNewEnvironment({ name: '', owner: '' })).toEqual({ errors: {}, request: null })
    expect(checkNewEnvironment({ name: 'Copy!', owner: 'acme' }).errors.name).toContain('lower-case')
  })
})

describe('the folder that is proposed', () => {
  it('is one that the contract takes', () => {
    expect(proposedFolder('billing-worker', new Date(2026, 10, 1, 6, 4).getTime())).toBe('billing-worker-20261101-0604')
    expect(restoreFolderSchema.safeParse(proposedFolder('x'.repeat(63), NOW)).success).toBe(true)
  })
})

describe('the command line forms', () => {
  const where = { name: 'notebook', host: 'lon-1', point: 'ab'.repeat(32) }
  const told = '--point abababababababab'

  it('name everything that was chosen', () => {
    expect(restoreCli('plan', where, false)).toBe(`pilothouse restore plan notebook ${told} --host lon-1`)
    expect(restoreCli('run', { ...where, point: null }, true)).toBe(
      'pilothouse restore run notebook --point POINT --stop-now --host lon-1',
    )
    expect(undoCli(where)).toBe('pilothouse restore undo notebook --host lon-1 --plan')
    expect(dropCli(where, null)).toBe('pilothouse restore drop notebook --host lon-1 --plan')
    expect(dropCli(where, 'home-00000000000000bb')).toBe(
      'pilothouse restore drop notebook --home home-00000000000000bb --host lon-1 --plan',
    )
    expect(drillCli(where, { name: '', owner: 'acme' })).toBe(
      `pilothouse drill notebook ${told} --promote-to-name NAME --promote-to-owner acme --host lon-1`,
    )
    expect(cloneCli(where, { name: 'copy', owner: '', image: 'minimal@2', size: { homeMiB: 4096 } })).toBe(
      `pilothouse restore clone notebook copy ${told} --owner OWNER --image minimal@2 --home-mib 4096 --host lon-1`,
    )
  })

  it('show nothing of a path as it is that would act on a terminal or a shell', () => {
    const paths = ['/notes.txt', '/two words; rm -rf ~', "/it's", '/a\n\u001B[31m', '/inv\u202Efdp.exe']
    expect(filesCli(where, paths, 'rescued')).toBe(
      String.raw`pilothouse restore files notebook /notes.txt '/two words; rm -rf ~' '/it'\''s' $'/a\x0a\x1b[31m' $'/inv\xe2\x80\xaefdp.exe' ` +
        `${told} --folder rescued --host lon-1`,
    )
  })
})
