import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from '../../host-daemon/store/database.ts'
import {
  dropForgottenPoints,
  FORGOTTEN_KEPT_MS,
  listForgottenListings,
  listPointsAt,
  verifyPointsAt,
} from '../../host-daemon/store/points-upkeep.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { newCommandId, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { endOf, makePoint } from '../support/point-bench.ts'

const HOUR_MS = 60 * 60 * 1000

describe('the record of points that are gone', () => {
  let host: FakeDriverDaemon
  let point: RecoveryPoint
  let db: Database
  const admin = () => host.as('admin')
  const prune = async () =>
    await endOf(host, await admin().backups.prune({ commandId: newCommandId(), environment: 'web' }))
  const idOf = (index: number) => index.toString(16).padStart(64, '0')
  const isThere = (index: number) =>
    db.get('SELECT 1 FROM recovery_points WHERE id = @id', { id: idOf(index) }) !== undefined

  /** Rows like that of the point, each forgotten so long ago; made by an operation that is long gone itself. */
  function addForgotten(from: number, forgottenAgoMs: readonly number[], values: Record<string, string | number> = {}) {
    db.transaction(() => {
      for (const [index, ago] of forgottenAgoMs.entries()) {
        const changed = {
          id: idOf(from + index),
          forgotten_at: Date.now() - ago,
          operation_id: 'op-00000000000000aa',
          has_listing: 0,
          ...values,
        }
        db.run(`CREATE TEMP TABLE row AS SELECT * FROM main.recovery_points WHERE id = '${point.id}'`, {})
        const columns = Object.keys(changed)
        db.run(`UPDATE temp.row SET ${columns.map((column) => `${column} = @${column}`).join(', ')}`, changed)
        db.run('INSERT INTO main.recovery_points SELECT * FROM temp.row', {})
        db.run('DROP TABLE temp.row', {})
      }
    })
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: { letGoMs: 50 } })
    point = await makePoint(host)
    db = openDatabase(join(host.folder, 'pilothoused.db'), { clock: new SystemClock() })
  })
  afterEach(async () => {
    db.dispose()
    await host.remove()
  })

  it('is dropped by a prune once it is a month old, and says until then that they are gone', async () => {
    addForgotten(1, [FORGOTTEN_KEPT_MS + HOUR_MS, FORGOTTEN_KEPT_MS - HOUR_MS])
    expect((await prune()).result).toEqual({ kind: 'prune', forgotten: 0, kept: 1 })
    expect([isThere(1), isThere(2)]).toEqual([false, true])
    expect((await admin().backups.points({ environment: 'web' })).map(({ id }) => id)).toEqual([point.id])
    const browsed = admin().backups.browse({ environment: 'web', point: idOf(2) })
    await expect(browsed).rejects.toThrow('is no longer in the repository')
  })

  it('stays where an operation on record made the point, or one that runs names it', async () => {
    const old = [FORGOTTEN_KEPT_MS + HOUR_MS]
    addForgotten(1, old, { operation_id: point.operationId ?? '' })
    addForgotten(2, old)
    const release = host.repositories.hold('check')
    const check = await admin().backups.check({ commandId: newCommandId(), environment: 'web' })
    const params = JSON.stringify({ pointId: idOf(2) })
    db.run('UPDATE operations SET params = @params WHERE id = @id', { params, id: check.id })
    const { environmentId } = point
    expect(db.transaction(() => dropForgottenPoints(db, environmentId, Date.now()))).toBe(false)
    expect([isThere(1), isThere(2)]).toEqual([true, true])
    release()
    await endOf(host, check)
    db.transaction(() => dropForgottenPoints(db, environmentId, Date.now()))
    expect([isThere(1), isThere(2)]).toEqual([true, false])
  })

  it('is dropped a few at a time, all of it in one prune, after the listings', async () => {
    addForgotten(
      1,
      Array.from({ length: 1_200 }, () => FORGOTTEN_KEPT_MS + HOUR_MS),
    )
    addForgotten(5_000, [FORGOTTEN_KEPT_MS + HOUR_MS], { has_listing: 1 })
    await prune()
    expect(db.get<{ rows: number }>('SELECT COUNT(*) AS rows FROM recovery_points')).toEqual({ rows: 1 })
  })

  it('is looked through by index alone', () => {
    const place = { environmentId: point.environmentId, repository: 'somewhere' }
    const plans: string[] = []
    const watched = new Proxy(db, {
      get: (target, key: 'all' | 'run' | 'touch') => (sql: string, values: Record<string, string | number>) => {
        if (key === 'touch') return undefined
        const steps = target.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, values)
        plans.push(...steps.map(({ detail }) => detail))
        return key === 'all' ? [] : 0
      },
    })
    listPointsAt(watched, place)
    listForgottenListings(watched, place.environmentId)
    verifyPointsAt(watched, place, { at: 1, since: 1 })
    dropForgottenPoints(watched, place.environmentId, 1)
    expect(plans.filter((plan) => /recovery_points|\bp\b/.test(plan))).not.toEqual([])
    expect(plans.filter((plan) => plan.startsWith('SCAN') && !plan.includes('USING INDEX'))).toEqual([])
  })
})
