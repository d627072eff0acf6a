import { describe, expect, it } from 'vitest'
import { canBeMissed, cellName, Cells, everyCell, type Cell } from '../../faults/restore/cells.ts'
import { matrixText, missingCells } from '../../faults/restore/matrix.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const KINDS = ['restore'] as const
const all = everyCell('restore')
/** More than any cell comes. */
const ENDLESS = all.length * 100
const cells = () => new Cells(KINDS, seededRandom(7), { index: 0, count: 1 })
const roundOf = (cell: Cell) => ({ cell: cellName(cell), killed: 1, problems: [] })
const isRestic = ({ victim }: Cell) => victim === 'restic'

/** Takes cells until all are done, and puts back those that `whyNot` says why of. */
function taken(deck: Cells, whyNot: (cell: Cell) => 'nobody' | 'over' | null): Cell[] {
  const hit: Cell[] = []
  for (let count = 0; !deck.isDone && count < ENDLESS; count += 1) {
    const cell = deck.next('restore')
    const why = whyNot(cell)
    if (why === null) hit.push(cell)
    else deck.putBack(cell, why)
  }
  return hit
}

describe('the cells of a fault run', () => {
  it('come once each where all are hit', () => {
    const deck = cells()
    const hit = taken(deck, () => null)
    expect(hit.map(cellName).sort()).toEqual(all.map(cellName).sort())
    const outcome = { rounds: hit.map(roundOf), missed: deck.missed }
    expect(missingCells(KINDS, outcome)).toEqual([])
    expect(matrixText(KINDS, outcome)).not.toContain('missed')
  })

  it('are given up inside steps that are over each time, and shown as missed', () => {
    const deck = cells()
    const shortest = all.find(canBeMissed) as Cell
    const delays: number[] = []
    const hit = taken(deck, (cell) => {
      if (!canBeMissed(cell)) return null
      if (cellName(cell) === cellName(shortest)) delays.push(cell.delayMs)
      return 'over'
    })
    // Eight times, and from the third time on at the very beginning of the step.
    expect(delays).toHaveLength(8)
    expect(delays.slice(2)).toEqual([0, 0, 0, 0, 0, 0])
    expect(deck.isDone).toBe(true)
    expect([...deck.missed].sort()).toEqual(all.filter(canBeMissed).map(cellName).sort())
    const outcome = { rounds: hit.map(roundOf), missed: deck.missed }
    expect(missingCells(KINDS, outcome)).toEqual([])
    const words = matrixText(KINDS, outcome).split(/\s+/)
    expect(words.filter((word) => word === 'missed')).toHaveLength(deck.missed.size)
  })

  it('count as hit where they were given up and another kill came there', () => {
    const deck = cells()
    taken(deck, (cell) => (canBeMissed(cell) ? 'over' : null))
    const outcome = { rounds: all.map(roundOf), missed: deck.missed }
    expect(matrixText(KINDS, outcome)).not.toContain('missed')
  })

  it('are missing, not missed, where restic is at work long enough', () => {
    const deck = cells()
    const hit = taken(deck, (cell) => (isRestic(cell) ? 'over' : null))
    expect([deck.isDone, [...deck.missed]]).toEqual([true, []])
    const outcome = { rounds: hit.map(roundOf), missed: deck.missed }
    expect(missingCells(KINDS, outcome)).toEqual(all.filter(isRestic).map(cellName))
  })

  it('are missing where nobody was ever there', () => {
    const deck = cells()
    const hit = taken(deck, (cell) => (cell.moment === 'inside' ? 'nobody' : null))
    expect([deck.isDone, [...deck.missed]]).toEqual([true, []])
    const missing = missingCells(KINDS, { rounds: hit.map(roundOf), missed: deck.missed })
    expect(missing.sort()).toEqual(
      all
        .filter(({ moment }) => moment === 'inside')
        .map(cellName)
        .sort(),
    )
  })

  it('may not be missed before and after a step, whatever says so', () => {
    const ends = all.filter(({ moment }) => moment !== 'inside')
    const missed = new Set(all.map(cellName))
    const missing = missingCells(KINDS, { rounds: [], missed })
    expect(missing).toEqual(expect.arrayContaining(ends.map(cellName)))
  })
})
