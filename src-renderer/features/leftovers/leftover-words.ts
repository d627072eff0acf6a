import { DRIFT_KINDS, type DriftItem, type DriftKind } from '../../../src-shared/model/drift.ts'

export const KIND_WORDS: Record<DriftKind, { readonly title: string; readonly icon: string }> = {
  guest: { title: 'Guests', icon: 'i-lucide-circle-play' },
  home: { title: 'Homes', icon: 'i-lucide-hard-drive' },
  removed_home: { title: 'Homes of destroyed environments', icon: 'i-lucide-hard-drive' },
  half_made_home: { title: 'Half-made homes', icon: 'i-lucide-hard-drive' },
  boot_files: { title: 'Files of boots', icon: 'i-lucide-cable' },
}

export interface LeftoverGroup {
  readonly kind: DriftKind
  readonly title: string
  readonly icon: string
  /** What such a thing is, one sentence. */
  readonly says: string
  readonly items: readonly DriftItem[]
}

/** By kind, in the order of `KIND_WORDS`; kinds without an item are left out. */
export function groupLeftovers(items: readonly DriftItem[]): LeftoverGroup[] {
  const kinds = Object.keys(KIND_WORDS) as DriftKind[]
  return kinds
    .map((kind) => ({
      kind,
      ...KIND_WORDS[kind],
      says: DRIFT_KINDS[kind],
      items: items.filter((item) => item.kind === kind),
    }))
    .filter((group) => group.items.length > 0)
}

/** The part of an item's id that names it on the host. */
export function nameOf({ id }: Pick<DriftItem, 'id'>): string {
  return id.slice(id.indexOf(':') + 1)
}

/** The same on the command line: it shows the plan, and asks. */
export function cleanUpCli(host: string, ids: readonly string[]): string {
  return `pilothouse drift clean-up ${ids.length === 0 ? 'ITEM' : ids.join(' ')} --host ${host}`
}
