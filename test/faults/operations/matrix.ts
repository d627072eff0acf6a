import { DEFAULT_DEADLINES } from '../../../host-daemon/daemon-options.ts'
import { environmentOperations } from '../../../host-daemon/environments/definitions.ts'
import type { Toolkit } from '../../../host-daemon/environments/toolkit.ts'
import type { KillOrder } from '../../support/kill-points.ts'
import type { seededRandom } from '../../support/seeded-random.ts'

/** In the order in which one environment lives through them. */
export const KINDS = ['spawn', 'recover', 'reset', 'destroy'] as const
export type Kind = (typeof KINDS)[number]
type Cell = KillOrder & { readonly kind: Kind }
type Random = ReturnType<typeof seededRandom>

/** A kill inside a step comes at most so long after its beginning, in milliseconds: some steps are long, most short. */
const MOST_INSIDE_MS = [5, 50, 1_200] as const

/** The steps of a kind, from the daemon's own list. */
export function stepsOf(kind: Kind): readonly string[] {
  const toolkit = { deadlines: DEFAULT_DEADLINES } as Toolkit
  const definition = environmentOperations(toolkit, { maxAttempts: 1 }).find((each) => each.kind === kind)
  return definition?.steps.map(({ name }) => name) ?? []
}

/** Every cell once: journal step × before and after × who dies. */
export function everyCell(kind: Kind): Cell[] {
  return stepsOf(kind).flatMap((step) =>
    (['before', 'after'] as const).flatMap((moment) =>
      (['daemon', 'qemu'] as const).map((victim) => ({ kind, step, moment, victim, delayMs: 0 })),
    ),
  )
}

/** One more, drawn: mostly inside a step, at any time of it. */
export function drawnCell(kind: Kind, random: Random): Cell {
  const step = random.pick(stepsOf(kind))
  const victim = random.pick(['daemon', 'daemon', 'qemu'] as const)
  return { kind, step, moment: 'inside', victim, delayMs: random.int(random.pick(MOST_INSIDE_MS)) }
}

export interface Queue {
  /** The next cell of this kind; a drawn one once every cell has been given. */
  next(kind: Kind): Cell
}

/** Deals the cells out in an order of the seed's. `shareOf` lets several queues give every cell once between them. */
export function dealCells(random: Random, share: { readonly index: number; readonly count: number }): Queue {
  const piles = new Map(
    KINDS.map((kind) => {
      const mine = everyCell(kind).filter((_cell, index) => index % share.count === share.index)
      return [kind, shuffled(mine, random)]
    }),
  )
  return { next: (kind) => piles.get(kind)?.pop() ?? drawnCell(kind, random) }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.int(left.length), 1)[0] as T)
}

export function cellName({ kind, step, moment, victim }: KillOrder): string {
  return `${kind} ${step} ${moment} ${victim}`
}

/** How often each cell was carried out, as lines to print. */
export function matrixText(counts: ReadonlyMap<string, number>): string {
  const columns = ['before', 'after', 'inside'].flatMap((moment) => ['daemon', 'qemu'].map((who) => `${moment} ${who}`))
  // Every cell is hit before and after; what is hit inside is drawn on top of that.
  const heads = columns.map((column) => column.replace('inside', 'drawn'))
  const head = ['step'.padEnd(26), ...heads.map((each) => each.padStart(14))].join('')
  const rows = KINDS.flatMap((kind) =>
    stepsOf(kind).map((step) => {
      const cells = columns.map((column) => String(counts.get(`${kind} ${step} ${column}`) ?? 0).padStart(14))
      return [`${kind} ${step}`.padEnd(26), ...cells].join('')
    }),
  )
  return [head, ...rows].join('\n')
}
