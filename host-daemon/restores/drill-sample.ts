import { createHash } from 'node:crypto'
import { hashFile } from '../system/file-parts.ts'
import { walkTree, type TreeEntry } from '../system/trees.ts'

export const SAMPLE_SIZE = 64
/** A guest under emulation has to read it again. */
const MOST_BYTES = 64 * 1024 * 1024
/** It is told to the guest's agent. */
const MOST_PATH_BYTES = 1024
const NANOSECONDS_PER_MS = 1e6

/** A file as it was before any guest had the home. */
export interface SampledFile {
  /** Below the root, without a slash before it. */
  readonly path: string
  readonly sha256: string
  readonly modifiedAtMs: number
}

interface Candidate {
  readonly path: string
  readonly rank: string
  readonly modifiedAtMs: number
}

/**
 * At most `SAMPLE_SIZE` regular files of the tree, the same ones whenever the tree and the seed are the same, spread over
 * all of it. Files of more than 64 MiB are left out, and those whose names are no text.
 */
export async function takeSample(root: string, seed: string, signal: AbortSignal): Promise<SampledFile[]> {
  const chosen = await choose(root, seed, signal)
  const sampled: SampledFile[] = []
  for (const { path, modifiedAtMs } of chosen) {
    signal.throwIfAborted()
    sampled.push({ path, modifiedAtMs, sha256: await hashFile(`${root}/${path}`) })
  }
  return sampled
}

async function choose(root: string, seed: string, signal: AbortSignal): Promise<Candidate[]> {
  const best: Candidate[] = []
  for await (const entry of walkTree(root, { signal })) {
    const path = entry.path.toString('utf8')
    if (!canBeSampled(entry, path)) continue
    const modifiedAtMs = Number(entry.modifiedAtNs) / NANOSECONDS_PER_MS
    keepBest(best, { path, rank: rankOf(seed, path), modifiedAtMs })
  }
  return best
}

function canBeSampled(entry: TreeEntry, path: string): boolean {
  const isTellable = entry.path.length <= MOST_PATH_BYTES && Buffer.from(path).equals(entry.path)
  return entry.kind === 'file' && entry.bytes <= MOST_BYTES && isTellable
}

function rankOf(seed: string, path: string): string {
  return createHash('sha256').update(`${seed}\0${path}`).digest('hex')
}

/** `best` stays in order and within bounds. */
function keepBest(best: Candidate[], candidate: Candidate): void {
  if (best.length >= SAMPLE_SIZE && candidate.rank >= (best.at(-1)?.rank ?? '')) return
  const at = best.findIndex(({ rank }) => rank > candidate.rank)
  best.splice(at < 0 ? best.length : at, 0, candidate)
  best.length = Math.min(best.length, SAMPLE_SIZE)
}
