import { open, rename, rm } from 'node:fs/promises'
import { z } from 'zod'
import type { TrustedHead } from '../../../src-shared/lib/activity-chain.ts'
import { activityHashSchema, activityHeadSchema } from '../../../src-shared/model/activity.ts'
import { localText } from './local-text.ts'
import { usageError } from './usage-error.ts'

/** The last millisecond that a date can name. */
const LAST_MS = 8.64e15
const FILE_BYTES_MOST = 4_096

/** The end of a host's activity chain, as it is exported. */
export const headFileSchema = activityHeadSchema.extend({
  /** The host's name, as the console calls it, or by a socket as the host calls itself. */
  host: z.string().max(255),
  /** Console clock, milliseconds since the epoch. */
  at: z.int().min(0).max(LAST_MS),
})
export type HeadFile = z.infer<typeof headFileSchema>

/** For the user alone; the file appears whole, in the place of an older one, or not at all. `token` is unpredictable. */
export async function writeHeadFile(file: string, head: HeadFile, token: string): Promise<void> {
  const partial = `${file}.partial-${token}`
  try {
    const handle = await open(partial, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(head)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    throw usageError(`${file} cannot be written: ${reasonOf(error)}.`, 'Name a file in a folder that you may write to.')
  }
}

/** Throws a usage error for a file that is none of ours. */
export async function readHeadFile(file: string): Promise<HeadFile> {
  const { text } = await localText(file, { place: '--head-file', maxBytes: FILE_BYTES_MOST })
  const parsed = headFileSchema.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw usageError(`${file} is not an exported head.`, 'Export one with `pilothouse activity head --export FILE`.')
}

/** `SEQ:HASH`. Throws a usage error. */
export function parseHead(word: string): TrustedHead {
  const [, digits = '', hash = ''] = /^(\d{1,15}):(.*)$/su.exec(word) ?? []
  const parsed = activityHashSchema.safeParse(hash)
  if (digits !== '' && parsed.success) return { head: { seq: Number(digits), hash: parsed.data }, seenAt: null }
  throw usageError('--head: must be SEQ:HASH, a number and 64 hex digits.', 'See `pilothouse activity head`.')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
