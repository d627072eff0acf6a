import { PilothouseError } from '../../src-shared/error.ts'
import type { PointEntry } from '../../src-shared/model/recovery-point.ts'

const SHOWN = 200

/**
 * Pure: the paths as a point has them, each once, and none that is inside another one. Throws `invalid_request` for what
 * is no path from the root of a point: a guest's names are never made sense of.
 */
export function tidyPaths(paths: readonly string[]): string[] {
  const all = new Set(paths.map(tidyPath))
  return [...all].filter((path) => !hasParentIn(path, all)).sort()
}

function tidyPath(given: string): string {
  const path = given.length > 2 && given.endsWith('/') ? given.slice(0, -1) : given
  const names = path.slice(1).split('/')
  const isProper = path.startsWith('/') && !path.includes('\0') && path.isWellFormed()
  const isPlain = path === '/' || names.every((name) => name !== '' && name !== '.' && name !== '..')
  if (isProper && isPlain) return path
  const message = `paths: ${shownPath(given)} is not a path from the root of a recovery point.`
  throw new PilothouseError('invalid_request', message, { details: { field: 'paths' } })
}

function hasParentIn(path: string, all: ReadonlySet<string>): boolean {
  return parentsOf(path).some((parent) => all.has(parent))
}

/** Pure: every folder that the path is in, the root among them, but not the path itself. */
function parentsOf(path: string): string[] {
  if (path === '/') return []
  const names = path.slice(1).split('/')
  return names.map((_, count) => `/${names.slice(0, count).join('/')}`)
}

/** Pure: a guest's name as it can be shown: control characters escaped, and cut where it is long. */
export function shownPath(path: string): string {
  const escaped = JSON.stringify(path.toWellFormed()).replaceAll(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return escaped.length > SHOWN ? `${escaped.slice(0, SHOWN)}…"` : escaped
}

/** What of a point was chosen. */
export interface Chosen {
  readonly bytes: number
  readonly entries: number
  readonly files: number
}

/** Tells, of everything in a point, what is chosen, and in the end whether every path is there. */
export class Choice {
  private readonly missing: Set<string>
  private readonly paths: ReadonlySet<string>
  private bytes = 0
  private entries = 0
  private files = 0

  /** Of tidy paths. */
  constructor(paths: readonly string[]) {
    this.paths = new Set(paths)
    // The root itself is in no listing.
    this.missing = new Set(paths.filter((path) => path !== '/'))
  }

  see({ path, type, bytes }: Pick<PointEntry, 'path' | 'type' | 'bytes'>): void {
    this.missing.delete(path)
    if (!this.paths.has(path) && !hasParentIn(path, this.paths)) return
    this.entries += 1
    if (type !== 'file') return
    this.files += 1
    this.bytes += bytes
  }

  /** Throws `invalid_request` naming a path that is not there. */
  end(): Chosen {
    const [first] = this.missing
    const { bytes, entries, files } = this
    if (first === undefined) return { bytes, entries, files }
    const others = this.missing.size > 1 ? ` Nor are ${this.missing.size - 1} others.` : ''
    const message = `paths: ${shownPath(first)} is not in the recovery point.${others}`
    throw new PilothouseError('invalid_request', message, { details: { field: 'paths' } })
  }
}
