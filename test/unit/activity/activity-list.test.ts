import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ActivityService } from '../../../host-daemon/activity/activity-service.ts'
import type { ActivityQuery } from '../../../host-daemon/store/activity-query.ts'
import { createStore } from '../../../host-daemon/store/store.ts'
import { activityEntrySchema, type ActivityEntry } from '../../../src-shared/model/activity.ts'
import type { EnvironmentId } from '../../../src-shared/model/ids.ts'
import { ENVIRONMENT_IDS, recordedChain } from '../../support/activity-chain.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const SEED = Number(process.env.PILOTHOUSE_SEED ?? Date.now() % 2 ** 31)
const random = seededRandom(SEED)
const ENTRIES = 400

let folder: string
let chain: ReturnType<typeof recordedChain>
let activity: ActivityService
let all: ActivityEntry[]

beforeAll(async () => {
  console.log(`activity list: PILOTHOUSE_SEED=${SEED}`)
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-activity-'))
  chain = recordedChain(join(folder, 'test.db'), random, ENTRIES)
  activity = new ActivityService(createStore(chain.db))
  all = chain.table.list()
})
afterAll(async () => {
  chain.db.dispose()
  await rm(folder, { recursive: true, force: true })
})

type Query = Parameters<ActivityService['list']>[0]

/** The same, said plainly. */
function expected(query: Query): ActivityEntry[] {
  const found = all.filter(
    (entry) =>
      (query.environmentId === undefined || entry.environmentId === query.environmentId) &&
      (query.operation === undefined || entry.operationId === query.operation) &&
      (query.request === undefined || entry.requestId === query.request) &&
      (query.user === undefined || entry.actor?.user === query.user) &&
      (query.action === undefined || entry.action === query.action || entry.action.startsWith(`${query.action}.`)) &&
      (query.outcome === undefined || entry.outcome === query.outcome) &&
      (query.after === undefined || entry.seq > query.after) &&
      (query.before === undefined || entry.seq < query.before),
  )
  return (query.order === 'newest_first' ? found.reverse() : found).slice(0, query.limit)
}

function someQuery(): Query {
  const some = random.pick(all)
  const maybe = <T>(value: T | null): T | undefined => (random.int(3) > 0 ? undefined : (value ?? undefined))
  return {
    environmentId: maybe(random.pick([...ENVIRONMENT_IDS, 'env-ffffffff']) as EnvironmentId),
    operation: maybe(some.operationId),
    request: maybe(some.requestId),
    user: maybe(random.pick(['op', 'root', 'jörg', "' OR 1=1 --"])),
    action: maybe(random.pick(['spawn', 'owner', 'owner.put', 'environment', 'env', '', '%', 'spawn.'])),
    outcome: maybe(random.pick(['accepted', 'failed', 'fail', '_ailed'])),
    after: maybe(random.int(ENTRIES)),
    before: maybe(1 + random.int(ENTRIES)),
    order: random.pick(['newest_first', 'oldest_first'] as const),
    limit: 1 + random.int(50),
  }
}

describe('the list', () => {
  it('answers 2,000 random questions as a plain filter would', () => {
    let found = 0
    for (let round = 0; round < 2_000; round++) {
      const query = someQuery()
      const { entries, head } = activity.list(query)
      expect(entries, JSON.stringify(query)).toEqual(expected(query))
      expect(head).toEqual({ seq: ENTRIES, hash: all.at(-1)?.hash })
      found += entries.length
    }
    expect(found).toBeGreaterThan(1_000)
  })

  it('takes the part before a dot for an action, and no other part', () => {
    const actions = (action: string) =>
      new Set(activity.list({ action, limit: ENTRIES }).entries.map((entry) => entry.action))
    expect(actions('environment')).toEqual(new Set(['environment.lost', 'environment.rename']))
    expect(actions('environment.lost')).toEqual(new Set(['environment.lost']))
    expect(actions('spawn')).toEqual(new Set(['spawn']))
    expect(actions('environ')).toEqual(new Set())
  })

  it('finds environments, operations and requests by index', () => {
    const plan = (where: string) =>
      chain.db.all<{ detail: string }>(
        `EXPLAIN QUERY PLAN SELECT * FROM activity WHERE ${where} ORDER BY seq DESC LIMIT 9`,
      )
    for (const column of ['environment_id', 'operation_id', 'request_id']) {
      const [first, second] = plan(`${column} = 'x' AND seq < 9`)
      expect(first?.detail).toMatch(/USING INDEX/)
      expect(second).toBeUndefined()
    }
  })
})

describe('what is written', () => {
  it('reads as an entry, whatever was said', () => {
    for (const entry of all) expect(activityEntrySchema.parse(entry)).toEqual(entry)
    expect(all.some(({ detail }) => Object.hasOwn(detail, 'malformed'))).toBe(false)
  })

  it('leaves out the name of an environment that has none, and keeps ids that are none in the detail', () => {
    const head = chain.table.head()
    const nobody = { actor: null, requestId: null, operationId: null }
    chain.raw.exec('SAVEPOINT before')
    chain.table.append({
      at: 1,
      ...nobody,
      environmentId: 'env/..' as never,
      action: 'quarantine',
      outcome: 'noticed',
      detail: {},
    })
    expect(chain.table.list({ after: head.seq })).toMatchObject([
      { environmentId: null, environmentName: null, detail: { malformedIds: { environmentId: 'env/..' } } },
    ])
    chain.raw.exec('ROLLBACK TO before; RELEASE before')
    const unnamed = all.filter(({ environmentId }) => environmentId === ENVIRONMENT_IDS[2])
    expect(unnamed.length).toBeGreaterThan(0)
    expect(unnamed.every(({ environmentName }) => environmentName === null)).toBe(true)
  })

  it.each([
    ['seq', -7],
    ['detail', '[1]'],
    ['detail', '{"ordinal": 1}'],
    ['role', 'god'],
    ['environment_id', 'x'],
    ['hash', 'F'.repeat(64)],
  ])('is shown where its %s is %j now, as what nobody takes for an entry', (column, value) => {
    chain.raw.exec('BEGIN; DROP TRIGGER activity_keeps_content')
    chain.raw.prepare(`UPDATE activity SET ${column} = ?, user = 'op', uid = 1 WHERE seq = 9`).run(value)
    const query: ActivityQuery = { order: 'oldest_first', limit: 20 }
    const shown = activity.list({ ...query, limit: 20 }).entries.find(({ detail }) => 'malformed' in detail)
    chain.raw.exec('ROLLBACK')
    expect(activityEntrySchema.parse(shown)).toEqual(shown)
    expect(shown).toMatchObject({ actor: null, detail: { row: { [column]: value } } })
  })
})
