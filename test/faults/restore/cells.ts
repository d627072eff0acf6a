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

/** Every cell once: journal step × before and after × daemon and guest; restic and the frozen guest where they are. */
export function everyCell(kind: Kind): Cell[] {
  const journaled = stepsOf(kind).flatMap((step) =>
    (['before', 'after'] as const).flatMap((moment) =>
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

/** One more, drawn: inside a step, at any time of it. */
function drawnCell(kind: Kind, random: Random): Cell {
  const isRestic = RESTIC_STEPS[kind].length > 0 && random.int(4) === 0
  const step = random.pick(isRestic ? RESTIC_STEPS[kind] : stepsOf(kind))
  const victim = isRestic ? 'restic' : random.pick(['daemon', 'daemon', 'qemu'] as const)
  return { kind, step, moment: 'inside', victim, delayMs: random.int(random.pick(MOST_INSIDE_MS)) }
}

/** What is to be hit next, of each kind. */
export class Cells {
  private readonly random: Random
  private readonly piles = new Map<Kind, Cell[]>()

  /** The cells of an order of the seed's; `share` lets several lanes hit every one once between them. */
  constructor(kinds: readonly Kind[], random: Random, share: { readonly index: number; readonly count: number }) {
    this.random = random
    for (const kind of kinds) {
      const mine = everyCell(kind).filter((_cell, index) => index % share.count === share.index)
      this.piles.set(kind, shuffled(mine, random))
    }
  }

  /** A drawn one once every cell has been hit. */
  next(kind: Kind): Cell {
    const cell = this.piles.get(kind)?.pop() ?? drawnCell(kind, this.random)
    const isAnyTime = cell.moment === 'inside' && cell.victim === 'restic'
    return isAnyTime ? { ...cell, delayMs: 100 + this.random.int(RESTIC_WITHIN_MS) } : cell
  }

  /** It was not hit: nobody was there. It comes again, later. */
  putBack(cell: Cell): void {
    this.piles.get(cell.kind)?.unshift(cell)
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.int(left.length), 1)[0] as T)
}

export function cellName({ kind, step, moment, victim }: KillOrder): string {
  return `${kind} ${step} ${moment} ${victim}`
}

const MOMENTS = ['before', 'after', 'inside', 'frozen'] as const
const VICTIMS = ['daemon', 'qemu', 'restic'] as const

/** How often each cell was carried out, as lines to print. */
export function matrixText(kinds: readonly Kind[], counts: ReadonlyMap<string, number>): string {
  const columns = MOMENTS.flatMap((moment) => VICTIMS.map((victim) => `${moment} ${victim}`)).filter((column) =>
    [...counts.keys()].some((name) => name.endsWith(` ${column}`)),
  )
  const head = ['step'.padEnd(30), ...columns.map((column) => column.padStart(14))].join('')
  const rows = kinds.flatMap((kind) =>
    stepsOf(kind).map((step) => {
      const cells = columns.map((column) => String(counts.get(`${kind} ${step} ${column}`) ?? 0).padStart(14))
      return [`${kind} ${step}`.padEnd(30), ...cells].join('')
    }),
  )
  return [head, ...rows].join('\n')
}
