import { expect, it } from 'vitest'
import type { RecoveryToolkit } from '../../../host-daemon/backups/recovery-toolkit.ts'
import type { OperationEngine } from '../../../host-daemon/operations/engine.ts'
import { UndoExpiry } from '../../../host-daemon/restores/expiry.ts'
import type { KeptHome } from '../../../host-daemon/store/kept-homes-table.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'
import { environmentIdSchema, homeIdSchema, operationIdSchema } from '../../../src-shared/model/ids.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryLogger } from '../../support/memory-logger.ts'

const HOUR_MS = 60 * 60_000
const FIRST = homeIdSchema.parse('home-000000000000000a')
const SECOND = homeIdSchema.parse('home-000000000000000b')

/** Two homes past their deadline, of which the second is unproved; `meanwhile` happens while the first is given to the engine. */
async function lookAfter(meanwhile: (rows: Map<string, KeptHome>, second: KeptHome) => void): Promise<KeptHome[]> {
  const clock = new ManualClock()
  const about = {
    environmentId: environmentIdSchema.parse('env-0000000a'),
    operationId: operationIdSchema.parse('op-000000000000000a'),
    ...{ keptAt: clock.now(), until: clock.now() + HOUR_MS, bytes: null },
  }
  const first: KeptHome = { ...about, homeId: FIRST, purpose: 'removal', isProved: true }
  const second: KeptHome = { ...about, homeId: SECOND, purpose: 'undo', isProved: false }
  const rows = new Map<string, KeptHome>([[SECOND, second]])
  const keptHomes = {
    allToRemove: () => [...rows.values()],
    find: (homeId: string) => rows.get(homeId),
    keep: (home: KeptHome) => rows.set(home.homeId, home),
  }
  const store = {
    keptHomes,
    claims: { holderOf: () => undefined },
    db: { transaction: (work: () => unknown) => work() },
    activity: { append: () => undefined },
  }
  const recovery = { store, clock, logger: new MemoryLogger(), random: new SystemRandom(), uid: 0 }
  const accept = (): Promise<void> => {
    meanwhile(rows, second)
    return Promise.resolve()
  }
  const expiry = new UndoExpiry(recovery as unknown as RecoveryToolkit, { accept } as unknown as OperationEngine)
  await expiry.look()
  rows.clear()
  rows.set(FIRST, first).set(SECOND, second)
  clock.advance(2 * HOUR_MS)
  await expiry.look()
  return [...rows.values()].filter(({ homeId }) => homeId === SECOND)
}

it('keeps for review what never proved itself', async () => {
  expect(await lookAfter(() => undefined)).toMatchObject([{ purpose: 'review', until: null }])
})

it('leaves alone what was brought back, given up, proved or kept longer while it looked', async () => {
  expect(await lookAfter((rows) => rows.delete(SECOND))).toEqual([])
  const changes: Partial<KeptHome>[] = [{ purpose: 'removal' }, { isProved: true }, { until: Number.MAX_SAFE_INTEGER }]
  for (const change of changes) {
    const [left] = await lookAfter((rows, second) => rows.set(SECOND, { ...second, ...change }))
    expect(left).toMatchObject(change)
    expect(left?.purpose).not.toBe('review')
  }
})
