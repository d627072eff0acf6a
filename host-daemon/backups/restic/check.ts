import { z } from 'zod'
import { shownWords } from '../../../src-shared/lib/foreign-words.ts'
import { ResticFailure } from './failure.ts'
import { jsonObjectOf, type JsonObject } from './json-lines.ts'
import type { Restic, ResticRunOptions } from './restic.ts'

/** How much of the data is read: none, all, or one part of so many, which over as many checks is all. */
export type CheckDepth = 'structure' | 'all' | { readonly part: number; readonly of: number }

export interface CheckOptions extends ResticRunOptions {
  readonly depth: CheckDepth
}

export type CheckResult =
  | { readonly isSound: true }
  /** What restic found, its first 100 lines, cut and made visible. */
  | { readonly isSound: false; readonly findings: readonly string[] }

const FINDINGS_SHOWN = 100
const FINDING_CHARACTERS = 500
/** restic refuses more. */
const MOST_PARTS = 256
const partSchema = z
  .object({ part: z.int().min(1), of: z.int().min(1).max(MOST_PARTS) })
  .refine(({ part, of }) => part <= of, 'must be a part that there is')

/**
 * Checks the repository, without the cache. Damage is an answer, not a failure; `isSound` says that what was read is as
 * it was written, nothing of what was not. Needs the repository for itself.
 */
export async function checkRepository(restic: Restic, { depth, ...run }: CheckOptions): Promise<CheckResult> {
  const cacheDirectory = await restic.freshCheckCache()
  try {
    await restic.run({ verb: 'check', flags: ['--json', ...depthFlags(depth)], cacheDirectory, ...run })
    return { isSound: true }
  } catch (error) {
    if (!(error instanceof ResticFailure) || error.kind !== 'corrupted') throw error
    return { isSound: false, findings: findingsOf(String(error.details?.['stderr'])) }
  }
}

/** What is wrong with the repository, line by line, out of a check's stderr. */
export function findingsOf(stderr: string): string[] {
  return stderr
    .split('\n')
    .map((line) => messageOf(jsonObjectOf(line)) ?? line.trim())
    .filter((line) => line !== '')
    .map((line) => shownWords(line, FINDING_CHARACTERS))
    .slice(0, FINDINGS_SHOWN)
}

function messageOf(json: JsonObject | undefined): string | undefined {
  const message = json?.['message']
  return typeof message === 'string' ? message.trim() : undefined
}

function depthFlags(depth: CheckDepth): string[] {
  if (depth === 'structure') return []
  if (depth === 'all') return ['--read-data']
  const { part, of } = partSchema.parse(depth)
  return [`--read-data-subset=${part}/${of}`]
}
