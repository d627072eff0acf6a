import { DRIFT_KINDS, type DriftItem, type DriftPlan } from '../../src-shared/model/drift.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { PlanFacts } from '../store/tickets-table.ts'

const MIB = 1024 * 1024

/** What the plan rests on: that each leftover is there, and is what it was. What it takes on disk may change. */
export function factsOf(items: readonly DriftItem[]): PlanFacts {
  return Object.fromEntries(items.map((item) => [item.id, stateOf(item)]))
}

function stateOf({ kind, environmentId, holdsData }: DriftItem): string {
  return `${DRIFT_KINDS[kind]} ${environmentId ?? ''} ${holdsData ? 'Data may be in it.' : ''}`.trim()
}

/** The clean-up of exactly these leftovers, with the text that is shown, logged and recorded. */
export function driftPlan(items: readonly DriftItem[], hostName: string): DriftPlan {
  const needsName = items.some(({ holdsData }) => holdsData)
  const losses = items.filter(({ holdsData }) => holdsData).map(lossOf)
  const count = items.length === 1 ? '1 leftover' : `${items.length} leftovers`
  const text = [
    `Clean up ${count} on host ${hostName}: removed for good, one by one; what cannot be removed stays and is named.`,
    ...items.map(({ id, detail }) => `${id}: ${detail}`),
    ...(losses.length === 0 ? ['Nobody’s data is in any of it.'] : losses),
    'Environments on record, their guests and their homes are not touched.',
  ].join('\n')
  const hash = hashOf({ kind: 'clean_up', facts: factsOf(items), needsName })
  return { hostName, text, losses, items: [...items], needsName, hash }
}

function lossOf({ kind, id, bytes }: DriftItem): string {
  if (kind === 'guest') return `${id}: the guest is ended at once; what it has not written to its home is lost.`
  const size = bytes === null ? 'an unknown amount' : `${Math.ceil(bytes / MIB)} MiB on disk`
  return `${id}: everything in the home, ${size}, is lost; no backup is made of it.`
}
