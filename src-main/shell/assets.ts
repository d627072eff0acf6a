import { readFile, realpath } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

/** One file of the built renderer. */
export interface Asset {
  readonly body: Buffer
  readonly contentType: string
  /** Its name holds its hash, so that it never changes. */
  readonly isImmutable: boolean
}

const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

/** A path inside the folder, or undefined for one that is malformed or leaves it. */
function fileOf(root: string, pathname: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  const parts = decoded.split('/').filter((part) => part !== '')
  if (parts.some((part) => part.startsWith('.') || /[\\\0]/.test(part))) return undefined
  return join(root, ...(parts.length === 0 ? ['index.html'] : parts))
}

/**
 * Reads a file of the renderer by the path of its address. Undefined for everything that is no plain file of a known
 * type inside the folder: dots, encoded slashes and links that lead outside included.
 */
export async function readAsset(root: string, pathname: string): Promise<Asset | undefined> {
  const path = fileOf(root, pathname)
  const contentType = path === undefined ? undefined : CONTENT_TYPES[extname(path)]
  if (path === undefined || contentType === undefined) return undefined
  try {
    const [place, base] = await Promise.all([realpath(path), realpath(root)])
    if (!place.startsWith(base + sep)) return undefined
    return { body: await readFile(place), contentType, isImmutable: pathname.startsWith('/assets/') }
  } catch {
    return undefined
  }
}
