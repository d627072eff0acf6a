import { canBeMissed, cellName, everyCell, stepsOf, type Cell, type Kind } from './cells.ts'

const MOMENTS = ['before', 'after', 'inside', 'frozen'] as const
const VICTIMS = ['daemon', 'qemu', 'restic'] as const

export interface Round {
  readonly cell: string
  readonly killed: number
  readonly problems: readonly string[]
}

/** What came of the cells: what was hit, and the names of those whose step was over whenever it was to be struck. */
export interface Outcome {
  readonly rounds: readonly Round[]
  readonly missed: ReadonlySet<string>
}

/** A cell of which there is none, one that was reached while there was nobody to kill, and one that was given up. */
const [NO_CELL, NOBODY, MISSED] = ['-', 'nobody', 'missed']

/** How often each cell was carried out, as lines to print. */
export function matrixText(kinds: readonly Kind[], { rounds, missed }: Outcome): string {
  const names = new Set(kinds.flatMap(everyCell).map(cellName))
  const columns = MOMENTS.flatMap((moment) => VICTIMS.map((victim) => `${moment} ${victim}`)).filter((column) =>
    [...names].some((name) => name.endsWith(` ${column}`)),
  )
  const textOf = (name: string): string => {
    if (!names.has(name)) return NO_CELL
    const reached = rounds.filter(({ cell }) => cell === name)
    if (reached.length === 0 && missed.has(name)) return MISSED
    const isNobody = reached.length > 0 && reached.every(({ killed }) => killed === 0)
    return isNobody ? NOBODY : String(reached.length)
  }
  const head = ['step'.padEnd(30), ...columns.map((column) => column.padStart(14))].join('')
  const rows = kinds.flatMap((kind) =>
    stepsOf(kind).map((step) => {
      const cells = columns.map((column) => textOf(`${kind} ${step} ${column}`).padStart(14))
      return [`${kind} ${step}`.padEnd(30), ...cells].join('')
    }),
  )
  return [head, ...rows].join('\n')
}

/**
 * The cells of the matrix that no round was about. What was missed inside a step that may be over at once is none of
 * them; before and after a step, and where restic works, there is no missing.
 */
export function missingCells(kinds: readonly Kind[], { rounds, missed }: Outcome): string[] {
  const hit = new Set(rounds.map(({ cell }) => cell))
  return kinds
    .flatMap(everyCell)
    .filter((cell) => !(canBeMissed(cell) && missed.has(cellName(cell))))
    .map(cellName)
    .filter((cell) => !hit.has(cell))
}

/** What was hit: of a kill that was to come inside a step, the step that was under way by then. */
export function hitName(cell: Cell, hitIn: string | null): string {
  return cellName(cell.moment === 'inside' ? { ...cell, step: hitIn ?? 'between steps' } : cell)
}

/** A kill inside a step that came when it was over. */
export function isLate({ moment, step }: Cell, hitIn: string | null): boolean {
  return moment === 'inside' && hitIn !== step
}
