import { computed, onScopeDispose, shallowRef, triggerRef, type ComputedRef } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { PointEntry } from '../../../src-shared/model/recovery-point.ts'

/** Entries of a folder, a page at a time. */
export interface FolderPage {
  readonly entries: readonly PointEntry[]
  readonly next: string | null
}
export type ReadFolder = (folder: string, after: string | null) => Promise<FolderPage>

interface Folder {
  entries: readonly PointEntry[]
  next: string | null
  isOpen: boolean
  isReading: boolean
  failure: Failure | null
}

/** One line of the tree: an entry, or what stands at the end of a folder that is not read to its end. */
export type TreeLine =
  | { readonly kind: 'entry'; readonly entry: PointEntry; readonly level: number; readonly isOpen: boolean }
  | { readonly kind: 'reading' | 'more' | 'empty'; readonly folder: string; readonly level: number }
  | { readonly kind: 'failed'; readonly folder: string; readonly level: number; readonly failure: Failure }

export interface Tree {
  readonly lines: ComputedRef<readonly TreeLine[]>
  /** Opens a folder, reading it where it was not read yet, or closes it. */
  readonly toggle: (folder: string) => void
  readonly readMore: (folder: string) => void
}

const ROOT = '/'

/** The folders of a point, each read when it is first opened, a page at a time. Reads the root at once. */
export function useTree(read: ReadFolder, asFailure: (error: unknown) => Failure): Tree {
  const folders = shallowRef(new Map<string, Folder>())
  let isGone = false
  onScopeDispose(() => (isGone = true))

  function of(path: string): Folder {
    const known = folders.value.get(path)
    if (known !== undefined) return known
    const made: Folder = { entries: [], next: null, isOpen: false, isReading: false, failure: null }
    folders.value.set(path, made)
    return made
  }

  async function load(path: string): Promise<void> {
    const folder = of(path)
    if (folder.isReading) return
    Object.assign(folder, { isReading: true, failure: null })
    triggerRef(folders)
    try {
      const page = await read(path, folder.next)
      Object.assign(folder, { entries: [...folder.entries, ...page.entries], next: page.next })
    } catch (error) {
      folder.failure = asFailure(error)
    }
    folder.isReading = false
    if (!isGone) triggerRef(folders)
  }

  function toggle(path: string): void {
    const isNew = !folders.value.has(path)
    const folder = of(path)
    folder.isOpen = !folder.isOpen
    if (isNew) void load(path)
    else triggerRef(folders)
  }

  function linesOf(path: string, level: number): TreeLine[] {
    const folder = folders.value.get(path)
    if (folder?.isOpen !== true) return []
    const lines = folder.entries.flatMap((entry): TreeLine[] => {
      const isOpen = folders.value.get(entry.path)?.isOpen === true
      return [{ kind: 'entry', entry, level, isOpen }, ...linesOf(entry.path, level + 1)]
    })
    return [...lines, ...endOf(folder, path, level)]
  }

  toggle(ROOT)
  return { lines: computed(() => linesOf(ROOT, 1)), toggle, readMore: (folder) => void load(folder) }
}

function endOf(folder: Folder, path: string, level: number): TreeLine[] {
  if (folder.isReading) return [{ kind: 'reading', folder: path, level }]
  if (folder.failure !== null) return [{ kind: 'failed', folder: path, level, failure: folder.failure }]
  if (folder.next !== null) return [{ kind: 'more', folder: path, level }]
  return folder.entries.length === 0 ? [{ kind: 'empty', folder: path, level }] : []
}
