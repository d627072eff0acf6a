import type { ImageRef } from '../../src-shared/model/ids.ts'

/** An image reference taken apart: `python@3.11.2` is `python` and [3, 11, 2]. */
export interface ImageName {
  readonly name: string
  readonly version: readonly number[]
}

export function parseImageRef(ref: ImageRef): ImageName {
  const [name = '', version = ''] = ref.split('@')
  return { name, version: version.split('.').map(Number) }
}

/** Sorts by name, then by version as numbers: 3.10 comes after 3.9, and 3 before 3.0. */
export function compareImageRefs(left: ImageRef, right: ImageRef): number {
  const a = parseImageRef(left)
  const b = parseImageRef(right)
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return compareVersions(a.version, b.version)
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let part = 0; part < Math.max(a.length, b.length); part += 1) {
    const difference = (a[part] ?? -1) - (b[part] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
