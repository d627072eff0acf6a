import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fromRoot } from '../../scripts/lib/paths.ts'
import type { PrivateHost } from '../../scripts/private-host/private-host.ts'

/** Images that an earlier test host has built; the daemon itself says whether they are still what it would build. */
const CACHE = fromRoot('out', 'test-images')

/** What the images of a folder were built from, as their metadata says. */
async function metadataIn(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n')
}

async function copyFolder(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, preserveTimestamps: true, force: true })
}

async function keep(images: string): Promise<void> {
  const fresh = `${CACHE}.${process.pid}`
  await mkdir(fromRoot('out'), { recursive: true })
  await copyFolder(images, fresh)
  await rm(CACHE, { recursive: true, force: true })
  await rename(fresh, CACHE)
}

/** Gives the host the image: from the cache where that is current, else built, and kept for the next host. */
export async function useCachedImage(host: PrivateHost, image: string): Promise<void> {
  const images = join(host.layout.state, 'images')
  const cached = await metadataIn(CACHE)
  if (cached !== '') await copyFolder(CACHE, images)
  await host.buildImage(image)
  if ((await metadataIn(images)) !== cached) await keep(images)
}
