import { backupOperations } from '../../../host-daemon/backups/definitions.ts'
import type { RecoveryToolkit } from '../../../host-daemon/backups/recovery-toolkit.ts'
import { DEFAULT_DEADLINES, DEFAULT_RECOVERY } from '../../../host-daemon/daemon-options.ts'
import { restoreOperations } from '../../../host-daemon/restores/definitions.ts'
import type { KillOrder } from '../../support/kill-points.ts'
import type { seededRandom } from '../../support/seeded-random.ts'

export type Kind = 'restore' | 'undo_restore' | 'backup'
export type Cell = KillOrder & { readonly kind: Kind }
type Random = ReturnType<typeof seededRandom>

/** Steps in which restic is at work long enough to be killed. */
const RESTIC_STEPS: Readonly<Record<Kind, readonly string[]>> = {
  restore: ['restore'],
  undo_restore: [],
  backup: ['back_up'],
}
/** A kill inside a step comes at most so long after its beginning, in milliseconds: some steps are long, most short. */
const MOST_INSIDE_MS = [5, 60, 900, 2_000] as const
const RESTIC_WITHIN_MS = 1_500
const SOON_MS = 5
/** So often a step may be over before it is struck, at its very beginning from the third time on, until it is given up. */
const MOST_OVER = 8
/** So often any cell comes at all. */
const MOST_TRIES = 40

const NO_LIMITS = { capacity: { environments: null, homeMiB: null, memoryMiB: null }, uidBase: 0, uidCount: 1 }

/** The steps of a kind, from the daemon's own list. */
export function stepsOf(kind: Kind): readonly string[] {
  const folders = { rooms: '', scratch: '', listings: '', restored: '' }
  const toolkit = { deadlines: DEFAULT_DEADLINES, settings: DEFAULT_RECOVERY, folders } as RecoveryToolkit
  const definitions = [
    ...backupOperations(toolkit),
    ...restoreOperations(toolkit, { maxAttempts: 1, limits: NO_LIMITS }),
  ]
  const definition = definitions.find((each) => each.kind === kind)
  if (definition === undefined) throw new Error(`There is no operation ${kind}`)
  return definition.steps.map(({ name }) => name)
}

/**
 * Every cell once: journal step × before, after and inside × daemon and guest; restic and the frozen guest where they are.
 * When inside is drawn as it is given.
 */
export function everyCell(kind: Kind): Cell[] {
  const journaled = stepsOf(kind).flatMap((step) =>
    (['before', 'after', 'inside'] as const).flatMap((moment) =>
      (['daemon', 'qemu'] as const).map((victim): Cell => ({ kind, step, moment, victim, delayMs: 0 })),
    ),
  )
  const restic = RESTIC_STEPS[kind].map((step): Cell => ({
    kind,
    step,
    moment: 'inside',
    victim: 'restic',
    delayMs: 0,
  }))
  const frozen = kind === 'backup' ? (['daemon', 'qemu'] as const) : []
  const held = frozen.map((victim): Cell => ({ kind, step: 'back_up', moment: 'frozen', victim, delayMs: 0 }))
  return [...journaled, ...restic, ...held]
}

/** Whether a step may be over before anything can strike inside it; not where restic works in it, nor at its ends. */
export function canBeMissed({ kind, step, moment }: Cell): boolean {
  return moment === 'inside' && !RESTIC_STEPS[kind].includes(step)
}

/** One more, drawn: inside a step, at any time of it. */
function drawnCell(kind: Kind, random: Random): Cell {
  const isRestic = RESTIC_STEPS[kind].length > 0 && random.int(4) === 0
  const step = random.pick(isRestic ? RESTIC_STEPS[kind] : stepsOf(kind))
  const victim = isRestic ? 'restic' : random.pick(['daemon', 'daemon', 'qemu'] as const)
  return { kind, step, moment: 'inside', victim, delayMs: drawnDelayMs(victim, random) }
}

function drawnDelayMs(victim: Cell['victim'], random: Random): number {
  return victim === 'restic' ? 100 + random.int(RESTIC_WITHIN_MS) : random.int(random.pick(MOST_INSIDE_MS))
}

/** What is to be hit next, of each kind. */
export class Cells {
  private readonly random: Random
  private readonly piles = new Map<Kind, Cell[]>()
  private readonly drawn = new WeakSet<Cell>()
  private readonly tries = new Map<string, { over: number; all: number }>()
  /** The names of the cells that were given up because their step was over each time. */
  readonly missed = new Set<string>()

  /** The cells of an order of the seed's; `share` lets several lanes hit every one once between them. */
  constructor(kinds: readonly Kind[], random: Random, share: { readonly index: number; readonly count: number }) {
    this.random = random
    for (const kind of kinds) {
      const mine = everyCell(kind).filter((_cell, index) => index % share.count === share.index)
      const timed = mine.map((cell) =>
        cell.moment === 'inside' ? { ...cell, delayMs: drawnDelayMs(cell.victim, random) } : cell,
      )
      this.piles.set(kind, shuffled(timed, random))
    }
  }

  /** Whether every cell has been hit or given up. */
  get isDone(): boolean {
    return [...this.piles.values()].every((pile) => pile.length === 0)
  }

  /** A drawn one once there are none left. */
  next(kind: Kind): Cell {
    const due = this.piles.get(kind)?.pop()
    if (due !== undefined) return due
    const drawn = drawnCell(kind, this.random)
    this.drawn.add(drawn)
    return drawn
  }

  /**
   * It was not hit: nobody was there, or the step was over. It comes again, later, and at the step's very beginning, and
   * is given up in the end. One that was drawn on top does not come again.
   */
  putBack(cell: Cell, why: 'nobody' | 'over'): void {
    if (this.drawn.has(cell) || this.isGivenUp(cell, why)) return
    const sooner = cell.delayMs > SOON_MS ? this.random.int(SOON_MS) : 0
    const delayMs = cell.victim === 'restic' ? drawnDelayMs('restic', this.random) : sooner
    this.piles.get(cell.kind)?.unshift({ ...cell, delayMs })
  }

  /** Counts this time too. What is given up without being `missed` is missing in the matrix. */
  private isGivenUp(cell: Cell, why: 'nobody' | 'over'): boolean {
    const name = cellName(cell)
    const { over, all } = this.tries.get(name) ?? { over: 0, all: 0 }
    const tries = { over: over + (why === 'over' ? 1 : 0), all: all + 1 }
    this.tries.set(name, tries)
    const isMissed = canBeMissed(cell) && tries.over >= MOST_OVER
    if (isMissed) this.missed.add(name)
    return isMissed || tries.all >= MOST_TRIES
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.int(left.length), 1)[0] as T)
}

export function cellName({ kind, step, moment, victim }: KillOrder): string {
  return `${kind} ${step} ${moment} ${victim}`
}
