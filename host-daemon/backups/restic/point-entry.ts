import type { PointEntry } from '../../../src-shared/model/recovery-point.ts'
import type { PointEntry as ListedEntry } from './ls.ts'

const TYPES: Readonly<Record<string, PointEntry['type']>> = { file: 'file', dir: 'directory', symlink: 'symlink' }

/** restic writes modes as Go has them: set-uid, set-gid and sticky are bits of its own there. */
const SPECIAL_BITS = [
  [0x80_0000, 0o4000],
  [0x40_0000, 0o2000],
  [0x10_0000, 0o1000],
] as const

/** An entry of a listing in the words of the contract. */
export function toPointEntry({ path, type, size, modifiedAtMs, mode }: ListedEntry): PointEntry {
  const special = SPECIAL_BITS.reduce((bits, [go, unix]) => bits | ((mode & go) === 0 ? 0 : unix), 0)
  return {
    path,
    type: TYPES[type] ?? 'other',
    bytes: type === 'file' ? size : 0,
    modifiedAt: modifiedAtMs,
    mode: (mode & 0o777) | special,
  }
}
