import { join } from 'node:path'
import { z } from 'zod'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { PointEntry } from '../../src-shared/model/recovery-point.ts'
import { readGzipLines, removeGzipLines, writeGzipLines } from '../system/gzip-lines.ts'

/** Tells every entry, in tree order. */
export type TellEntries = (onEntry: (entry: PointEntry) => Promise<void> | void) => Promise<unknown>

const TYPES = ['file', 'directory', 'symlink', 'other'] as const
/** A line is a list, not an object: names of fields would be most of it. */
const lineSchema = z.tuple([
  z.string(),
  z
    .int()
    .min(0)
    .max(TYPES.length - 1),
  z.number(),
  z.number(),
  z.number(),
])

/** What is in each point, kept with it: one file a point, whole or not there. */
export class Listings {
  private readonly folder: string
  private readonly making = new Map<RecoveryPointId, Promise<void>>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** Durable when it resolves. Who comes while it is being made waits for that, and makes it himself where it fails. */
  async make(point: RecoveryPointId, tell: TellEntries): Promise<void> {
    const other = this.making.get(point)
    if (other !== undefined) {
      const isMade = await other.then(
        () => true,
        () => false,
      )
      return isMade ? undefined : this.make(point, tell)
    }
    const made = this.write(point, tell).finally(() => this.making.delete(point))
    this.making.set(point, made)
    await made
  }

  /** In tree order. Throws where there is none that can be read, in the middle too. */
  async *read(point: RecoveryPointId): AsyncGenerator<PointEntry, void> {
    for await (const lines of readGzipLines(this.pathOf(point))) for (const line of lines) yield toEntry(line)
  }

  /** Nothing where there is none. */
  async remove(point: RecoveryPointId): Promise<void> {
    await removeGzipLines(this.pathOf(point))
  }

  private write(point: RecoveryPointId, tell: TellEntries): Promise<void> {
    return writeGzipLines(this.pathOf(point), async (put) => {
      await tell((entry) => put(toLine(entry)))
    })
  }

  private pathOf(point: RecoveryPointId): string {
    return join(this.folder, `${recoveryPointIdSchema.parse(point)}.jsonl.gz`)
  }
}

function toLine({ path, type, bytes, modifiedAt, mode }: PointEntry): string {
  return JSON.stringify([path, TYPES.indexOf(type), bytes, modifiedAt, mode])
}

function toEntry(line: string): PointEntry {
  const [path, type, bytes, modifiedAt, mode] = lineSchema.parse(JSON.parse(line))
  return { path, type: TYPES[type] ?? 'other', bytes, modifiedAt, mode }
}
