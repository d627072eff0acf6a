import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import { timeOf } from './plan-words.ts'

/** What a home is kept for, to follow what it is. */
export function keptFor({ purpose, until }: KeptHome): string {
  if (purpose === 'removal') return 'there to be removed'
  return purpose === 'undo' && until !== null ? `kept for an undo until ${timeOf(until)}` : 'kept for review'
}

function takes({ bytes }: KeptHome): string {
  return bytes === null ? '' : ` It takes ${bytesText(bytes)} on disk.`
}

/** That a reset leaves the home kept beside the environment's own where it is, and what may bring it back. */
export function staysKept(kept: KeptHome): string {
  const { homeId, keptAt, purpose } = kept
  const fate = `The home ${homeId}, which was replaced at ${timeOf(keptAt)}, is ${keptFor(kept)} and stays so.`
  const undo = ' An undo until then brings it back in place of the new one.'
  return `${fate}${purpose === 'undo' ? undo : ''}${takes(kept)}`
}

/** That a destroy removes the home too. */
export function goesToo(kept: KeptHome): string {
  const { homeId, keptAt } = kept
  return `The home ${homeId}, which was replaced at ${timeOf(keptAt)} and is ${keptFor(kept)}, is removed with everything in it.${takes(kept)}`
}

/** What a plan that tells of them rests on: which homes are kept, and for what; null where none is. */
export function keptFact(homes: readonly KeptHome[]): string | null {
  return homes.length === 0 ? null : homes.map((kept) => `${kept.homeId} (${kept.purpose})`).join(', ')
}

type Named = Pick<KeptHome, 'homeId' | 'purpose' | 'bytes'>

/** How space is had where there is too little: by giving a kept home up. Undefined where none can be given up. */
export function roomHint(homes: readonly KeptHome[], name: string): string | undefined {
  const [kept] = homes.filter(({ purpose }) => purpose !== 'removal').sort(byBytes)
  if (kept === undefined) return undefined
  const size = kept.bytes === null ? '' : `, which takes ${bytesText(kept.bytes)}`
  return `The home ${kept.homeId}${size}, is ${keptFor(kept)}. To give it up and have its space: ${dropCommand(name, kept)}. Or free space on the host.`
}

/** The one that frees most first. */
function byBytes(one: Named, other: Named): number {
  return (other.bytes ?? 0) - (one.bytes ?? 0)
}

function dropCommand(name: string, { homeId, purpose }: { readonly homeId: HomeId; readonly purpose: string }): string {
  return `pilothouse restore drop ${name}${purpose === 'review' ? ` --home ${homeId}` : ''} --plan`
}
