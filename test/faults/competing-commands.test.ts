import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import { newCommandId, newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

const IS_SAMPLE = process.env['PILOTHOUSE_FAULT_SAMPLE'] === '1'
const PAIRS = IS_SAMPLE ? 3_000 : 100_000
const SEED = Number(process.env['PILOTHOUSE_FAULT_SEED'] ?? randomInt(2 ** 31))
/** Environments that are fought over at the same time. */
const FIELDS = 24
/** Memory where there is such a folder: it is a file like any other, and nothing here is about a power cut. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const PEACEFUL = new Set([
  'operation_in_flight',
  'generation_mismatch',
  'plan_outdated',
  'not_found',
  'wrong_state',
  'guest_gone',
])

type Host = Awaited<ReturnType<typeof serveFakeDriverDaemon>>
type Client = Awaited<ReturnType<Host['connect']>>['client']
type Kind = 'start' | 'stop' | 'reboot' | 'recover' | 'reset' | 'destroy'

interface Fight {
  /** Accepted for the generation that both saw. */
  readonly accepted: Operation[]
  readonly refused: string[]
}

describe('two who command the same environment at the same time', () => {
  const random = seededRandom(SEED)
  let host: Host
  let sides: readonly [Client, Client]
  let db: Sqlite.Database
  const context = () => ({ context: { requestId: newRequestId() } })

  beforeAll(async () => {
    const folder = await mkdtemp(join(FOLDER, 'ph-'))
    host = await serveFakeDriverDaemon({
      folder,
      options: { maxConcurrentStarts: FIELDS, observeIntervalMs: 250 },
      arrange: ({ delayMs }) => Object.assign(delayMs, { startGuest: 1, ready: 1, stopGuest: 1 }),
    })
    const [one, other] = await Promise.all([host.connect('admin'), host.connect('admin')])
    sides = [one.client, other.client]
    db = new Sqlite(join(folder, 'pilothoused.db'), { readonly: true })
  })
  afterAll(async () => {
    db.close()
    await host.remove()
  })

  const settle = async (client: Client, { id }: Operation) => {
    const { status } = await client.operations.wait({ id, timeoutMs: 30_000 }, context())
    expect(status.kind, id).not.toBe('running')
  }
  const spawn = async (name: string) => {
    const [client] = sides
    await settle(client, await client.environments.spawn(spawnInput(name), context()))
  }
  /** A command as somebody gives it who saw this generation. */
  const command = async (client: Client, kind: Kind, { id, generation }: { id: string; generation: number }) => {
    const base = { commandId: newCommandId(), environment: id }
    if (kind !== 'reset' && kind !== 'destroy') {
      return client.environments[kind]({ ...base, generation }, context())
    }
    const { plan, ticket } = await client.environments[kind].plan({ environment: id }, context())
    if (plan.generation !== generation) throw Object.assign(new Error('moved on'), { code: 'generation_mismatch' })
    return client.environments[kind].run({ ...base, ticket: ticket.id, confirmName: plan.environmentName }, context())
  }
  const fight = async (name: string): Promise<Fight> => {
    const seen = await sides[0].environments.get({ environment: name }, context())
    const kinds: Kind[] = ['start', 'stop', 'reboot', 'recover', 'reset', 'recover', 'stop', 'destroy']
    const outcomes = await Promise.allSettled(sides.map((side) => command(side, random.pick(kinds), seen)))
    const accepted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code ?? String(outcome.reason)] : [],
    )
    for (const operation of accepted) await settle(sides[0], operation)
    if (accepted.some(({ kind }) => kind === 'destroy')) await spawn(name)
    return { accepted, refused }
  }

  it('never hold it both, and never write what is out of date', { timeout: 30 * 60_000 }, async () => {
    console.log(`seed ${SEED}, ${PAIRS} pairs`)
    let left = PAIRS
    const won = new Map<string, number>()
    const surprises = new Set<string>()
    const field = async (index: number) => {
      const name = `field-${index}`
      await spawn(name)
      for (; left > 0; left -= 1) {
        const { accepted, refused } = await fight(name)
        expect(accepted.length, 'both won with the same generation').toBeLessThan(2)
        for (const { kind } of accepted) won.set(kind, (won.get(kind) ?? 0) + 1)
        for (const code of refused) if (!PEACEFUL.has(code)) surprises.add(code)
      }
    }
    await Promise.all(Array.from({ length: FIELDS }, (_unused, index) => field(index)))
    console.log(`won: ${JSON.stringify(Object.fromEntries(won))}`)
    expect([...surprises]).toEqual([])
    expect([...won.keys()].sort()).toEqual(['destroy', 'reboot', 'recover', 'reset', 'start', 'stop'])
    // Every exclusive claim that there ever was: each begins after the one before it has ended.
    const overlapping = db
      .prepare(
        `SELECT a.id AS first, b.id AS second FROM claims a JOIN claims b ON b.environment_id = a.environment_id
         AND b.mode = 'exclusive' AND b.id = (SELECT MIN(id) FROM claims c WHERE c.id > a.id
           AND c.environment_id = a.environment_id AND c.mode = 'exclusive')
         WHERE a.mode = 'exclusive' AND (a.released_at IS NULL OR a.released_at > b.claimed_at)`,
      )
      .all()
    expect(overlapping).toEqual([])
    // The generation counts the accepted commands, one each: none was written over another.
    const uncounted = db
      .prepare(
        `SELECT e.id, e.generation, COUNT(o.id) AS operations FROM environments e
         JOIN operations o ON o.environment_id = e.id GROUP BY e.id HAVING e.generation <> COUNT(o.id)`,
      )
      .all()
    expect(uncounted).toEqual([])
    expect(host.host.machine.mostGuestsPerHome).toBe(1)
  })
})
