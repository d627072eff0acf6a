import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../support/seeded-random.ts'
import { Lane } from './lib/lane.ts'
import { strike } from './lib/strike.ts'
import { Cells } from './restore/cells.ts'
import { hitName, isLate, matrixText, missingCells, type Round } from './restore/matrix.ts'
import { Subject } from './restore/subject.ts'

const KINDS = ['restore', 'undo_restore'] as const
const LANES = 2
const IS_SAMPLE = process.env['PILOTHOUSE_FAULT_SAMPLE'] === '1'
const SEED = Number(process.env['PILOTHOUSE_FAULT_SEED'] ?? randomInt(2 ** 31))
const KILLS = Number(process.env['PILOTHOUSE_FAULT_KILLS'] ?? (IS_SAMPLE ? 8 : 152))
/** The point holds the one, the environment's home the other; a restore or an undo that ends changes which. */
const [IN_POINT, IN_HOME] = ['what was backed up', 'what is there now'] as const

describe('a restore that is killed at any point of its journal', () => {
  const lanes: Lane[] = []
  const rounds: Round[] = []
  const missed = new Set<string>()

  beforeAll(async () => {
    // Nothing but what is told here makes points or removes homes.
    const backups = { intervalMinutes: null, checkIntervalHours: null, pruneIntervalHours: null }
    for (let index = 0; index < LANES; index += 1) lanes.push(await Lane.make(index, { backups }))
  })
  afterAll(async () => {
    await Promise.all(lanes.map((lane) => lane.remove()))
  })

  const kills = () => rounds.filter(({ killed }) => killed > 0).length
  const report = (round: Round, settledMs: number | null) => {
    rounds.push(round)
    const settled = settledMs === null ? '' : ` · went on after ${Math.round(settledMs)} ms`
    const faults = round.problems.length === 0 ? '' : ` · ${round.problems.join('; ')}`
    console.log(`${String(rounds.length).padStart(3)} ${round.cell} · killed ${round.killed}${settled}${faults}`)
  }

  async function subjectIn(lane: Lane, index: number): Promise<Subject> {
    const subject = new Subject(lane, `home-${index}`)
    await subject.spawn()
    await subject.hold(IN_POINT, seededRandom(SEED + 100 + index))
    await subject.backUp()
    await subject.hold(IN_HOME, seededRandom(SEED + 200 + index))
    return subject
  }

  async function strikeOnce(subject: Subject, cells: Cells): Promise<void> {
    const before = await subject.holds()
    const kind = before === IN_HOME ? 'restore' : 'undo_restore'
    const cell = cells.next(kind)
    const { ended, settledMs, killed, hitIn, isHit, isMissed } = await strike(
      subject.lane,
      cell,
      await subject.prepared(kind),
    )
    const lasting = await subject.lastingProblems()
    const after = await subject.holds()
    const target = kind === 'restore' ? IN_POINT : IN_HOME
    const expected = ended.status.kind === 'succeeded' ? target : before
    const problems = [
      ...(isHit || isMissed ? [] : ['the point was never reached']),
      ...(after === expected ? [] : [`${kind} (${ended.status.kind}) left ${after ?? 'a mixture'}, not ${expected}`]),
      ...lasting,
    ]
    const isNobody = cell.victim === 'restic' && killed === 0
    const isOver = isMissed || isLate(cell, hitIn)
    if (isNobody || isOver) cells.putBack(cell, isOver ? 'over' : 'nobody')
    if (!((isNobody || isMissed) && problems.length === 0))
      report({ cell: hitName(cell, hitIn), killed, problems }, settledMs)
    await subject.standUp()
    if (after !== undefined && (await subject.holds()) !== after) throw new Error('Standing up changed the home.')
  }

  it('leaves the old home or the new one, byte for byte, and nothing else', { timeout: 40 * 60_000 }, async () => {
    console.log(`seed ${SEED}, ${KILLS} kills`)
    const runLane = async (lane: Lane, index: number) => {
      const cells = new Cells(KINDS, seededRandom(SEED + index), { index, count: LANES })
      const subject = await subjectIn(lane, index)
      while (kills() < KILLS || !(IS_SAMPLE || cells.isDone)) await strikeOnce(subject, cells)
      for (const name of cells.missed) missed.add(name)
    }
    await Promise.all(lanes.map(runLane))
    console.log(matrixText(KINDS, { rounds, missed }))
    console.log(`${rounds.length} points, ${kills()} kills`)
    expect(rounds.filter(({ problems }) => problems.length > 0)).toEqual([])
    if (IS_SAMPLE) return
    expect(missingCells(KINDS, { rounds, missed })).toEqual([])
  })
})
