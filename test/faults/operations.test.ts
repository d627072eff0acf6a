import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../support/seeded-random.ts'
import { Lane } from './lib/lane.ts'
import { Life, type Round } from './operations/life.ts'
import { cellName, dealCells, everyCell, KINDS, matrixText } from './operations/matrix.ts'

const LANES = 2
const IS_SAMPLE = process.env['PILOTHOUSE_FAULT_SAMPLE'] === '1'
const SEED = Number(process.env['PILOTHOUSE_FAULT_SEED'] ?? randomInt(2 ** 31))
const KILLS = Number(process.env['PILOTHOUSE_FAULT_KILLS'] ?? (IS_SAMPLE ? 12 : 156))
/** A claim is free or its operation has gone on so long after the next daemon was started, in milliseconds. */
const SETTLED_MS = 5_000

describe('operations that are killed at any point of their journal', () => {
  const lanes: Lane[] = []
  const rounds: Round[] = []

  beforeAll(async () => {
    for (let index = 0; index < LANES; index += 1) lanes.push(await Lane.make(index))
  })
  afterAll(async () => {
    await Promise.all(lanes.map((lane) => lane.remove()))
  })

  const report = (round: Round) => {
    rounds.push(round)
    const settled = round.settledMs === null ? '' : ` · went on after ${Math.round(round.settledMs)} ms`
    const faults = round.problems.length === 0 ? '' : ` · ${round.problems.join('; ')}`
    console.log(`${String(rounds.length).padStart(3)} ${round.cell} · killed ${round.killed}${settled}${faults}`)
  }
  /** Where no guest exists at a point, nothing is killed, and it does not count. */
  const kills = () => rounds.filter(({ killed }) => killed > 0).length
  const runLane = async (lane: Lane, index: number) => {
    const queue = dealCells(seededRandom(SEED + index), { index, count: LANES })
    for (let life = 1; kills() < KILLS; life += 1) await new Life(lane, `l${index}-${life}`, report).live(queue)
  }

  it('leave no stuck claim, no orphan and no lost home', { timeout: 40 * 60_000 }, async () => {
    console.log(`seed ${SEED}, ${KILLS} kills`)
    await Promise.all(lanes.map(runLane))
    const counts = new Map<string, number>()
    for (const { cell } of rounds) counts.set(cell, (counts.get(cell) ?? 0) + 1)
    console.log(matrixText(counts))
    const slowest = Math.max(...rounds.map(({ settledMs }) => settledMs ?? 0))
    console.log(`${rounds.length} points, ${kills()} kills; the slowest went on after ${Math.round(slowest)} ms`)
    expect(rounds.filter(({ problems }) => problems.length > 0)).toEqual([])
    expect(slowest).toBeLessThanOrEqual(SETTLED_MS)
    if (!IS_SAMPLE) {
      const missing = KINDS.flatMap((kind) => everyCell(kind)).map(cellName)
      expect(missing.filter((cell) => !counts.has(cell))).toEqual([])
    }
  })
})
