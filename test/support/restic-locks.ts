import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Names of the locks in a repository; none where there is no repository. What a killed restic had not written whole has
 * another name: it is no lock, and holds up nobody.
 */
export async function locksOf(repository: string): Promise<string[]> {
  const names = await readdir(join(repository, 'locks')).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  })
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name))
}
