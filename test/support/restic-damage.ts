import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One bit of each pack in a repository's folder is not as it was written. What a killed restic left half is no pack. */
export async function flipOneBitOfEachPack(folder: string): Promise<void> {
  const entries = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true })
  for (const pack of entries.filter((entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name))) {
    const path = join(pack.parentPath, pack.name)
    const content = await readFile(path)
    content.writeUInt8(content.readUInt8(20) ^ 1, 20)
    await chmod(path, 0o600)
    await writeFile(path, content)
  }
}
