import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'

const SLASH = Buffer.from('/')
export const SAMPLE_SIZE = 64
/** A guest under emulation has to read it again. */
const MOST_BYTES = 64 * 1024 * 1024
/** It is told to the guest's agent. */
const MOST_PATH_BYTES = 1024
const CHUNK_BYTES = 1024 * 1024

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
    sampled.push({ path, modifiedAtMs, sha256: await hashOf(`${root}/${path}`) })
  }
  return sampled
}

async function choose(root: string, seed: string, signal: AbortSignal): Promise<Candidate[]> {
  const best: Candidate[] = []
  const folders: Buffer[] = [Buffer.alloc(0)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted()
    for (const name of await readdir(Buffer.concat([Buffer.from(root), SLASH, folder]), { encoding: 'buffer' })) {
      const below = folder.length === 0 ? name : Buffer.concat([folder, SLASH, name])
      const stat = await lstat(Buffer.concat([Buffer.from(root), SLASH, below]))
      if (stat.isDirectory()) folders.push(below)
      const path = below.toString('utf8')
      const isTellable = below.length <= MOST_PATH_BYTES && Buffer.from(path).equals(below)
      if (!stat.isFile() || stat.size > MOST_BYTES || !isTellable) continue
      keepBest(best, { path, rank: rankOf(seed, path), modifiedAtMs: stat.mtimeMs })
    }
  }
  return best
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

async function hashOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
