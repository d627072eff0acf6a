import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../support/seeded-random.ts'
import { Lane } from './lib/lane.ts'
import { context, strike } from './lib/strike.ts'
import { Cells } from './restore/cells.ts'
import { hitName, isLate, matrixText, missingCells, type Round } from './restore/matrix.ts'
import { Subject } from './restore/subject.ts'

const KINDS = ['backup'] as const
const LANES = 2
const IS_SAMPLE = process.env['PILOTHOUSE_FAULT_SAMPLE'] === '1'
const SEED = Number(process.env['PILOTHOUSE_FAULT_SEED'] ?? randomInt(2 ** 31))
const KILLS = Number(process.env['PILOTHOUSE_FAULT_KILLS'] ?? (IS_SAMPLE ? 6 : 62))
const TREE = 'what is backed up'

describe('a backup that is killed at any point of its journal', () => {
  const lanes: Lane[] = []
  const rounds: Round[] = []
  const missed = new Set<string>()

  beforeAll(async () => {
    const backups = { intervalMinutes: null, checkIntervalHours: null, pruneIntervalHours: null }
    for (let index = 0; index < LANES; index += 1) lanes.push(await Lane.make(index, { backups }))
  })
  afterAll(async () => {
    await Promise.all(lanes.map((lane) => lane.remove()))
  })

  const kills = () => rounds.filter(({ killed }) => killed > 0).length
  const report = (round: Round) => {
    rounds.push(round)
    const faults = round.problems.length === 0 ? '' : ` · ${round.problems.join('; ')}`
    console.log(`${String(rounds.length).padStart(3)} ${round.cell} · killed ${round.killed}${faults}`)
  }

  async function strikeOnce(subject: Subject, cells: Cells): Promise<void> {
    const cell = cells.next('backup')
    const { ended, killed, hitIn, isHit, isMissed } = await strike(subject.lane, cell, await subject.prepared('backup'))
    const points = await subject.lane.client.backups.points({ environment: subject.name }, context())
    const made = points.filter(({ operationId }) => operationId === ended.id).length
    const expected = ended.status.kind === 'succeeded' ? 1 : 0
    const problems = [
      ...(isHit || isMissed ? [] : ['the point was never reached']),
      ...(made === expected ? [] : [`a backup that ${ended.status.kind} has recorded ${made} points`]),
      ...((await subject.holds()) === TREE ? [] : ['the home was changed']),
      ...(await subject.lastingProblems()),
    ]
    const isNobody = cell.victim !== 'daemon' && killed === 0 && cell.moment !== 'before' && cell.moment !== 'after'
    const isOver = isMissed || isLate(cell, hitIn)
    if (isNobody || isOver) cells.putBack(cell, isOver ? 'over' : 'nobody')
    if (!((isNobody || isMissed) && problems.length === 0)) report({ cell: hitName(cell, hitIn), killed, problems })
    await subject.standUp()
    await subject.write()
  }

  /** What the record calls points is in the repository, sound to the last byte. */
  async function proveAll(subject: Subject): Promise<void> {
    const { client } = subject.lane
    const commandId = `cmd-${seededRandom(SEED)
      .int(2 ** 31)
      .toString(16)
      .padStart(16, '0')}` as const
    const started = await client.backups.check({ commandId, environment: subject.name, depth: 'all' }, context())
    const checked = await client.operations.wait({ id: started.id, timeoutMs: 120_000 }, context())
    expect(checked.status.kind).toBe('succeeded')
    const { plan } = await client.restore.plan({ environment: subject.name, point: 'latest' }, context())
    expect(plan.point.forgottenAt).toBeNull()
  }

  it('leaves no half point, no frozen guest, no view and no lock', { timeout: 40 * 60_000 }, async () => {
    console.log(`seed ${SEED}, ${KILLS} kills`)
    const runLane = async (lane: Lane, index: number) => {
      const cells = new Cells(KINDS, seededRandom(SEED + index), { index, count: LANES })
      const subject = new Subject(lane, `home-${index}`)
      await subject.spawn()
      await subject.hold(TREE, seededRandom(SEED + 100 + index))
      await subject.backUp()
      while (kills() < KILLS || !(IS_SAMPLE || cells.isDone)) await strikeOnce(subject, cells)
      for (const name of cells.missed) missed.add(name)
      await proveAll(subject)
    }
    await Promise.all(lanes.map(runLane))
    console.log(matrixText(KINDS, { rounds, missed }))
    console.log(`${rounds.length} points, ${kills()} kills`)
    expect(rounds.filter(({ problems }) => problems.length > 0)).toEqual([])
    if (IS_SAMPLE) return
    expect(missingCells(KINDS, { rounds, missed })).toEqual([])
  })
})
