import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fromRoot } from '../../scripts/lib/paths.ts'
import type { PrivateHost } from '../../scripts/private-host/private-host.ts'

/**
 * What an earlier test host has built of an image; the daemon itself says whether it is still what it would build.
 * Each image by itself: a system's disk is not to be copied for every host that starts from a small one.
 */
function cacheOf(image: string): string {
  return fromRoot('out', 'test-images', image)
}

/** What the images of a folder were built from, as their metadata says. */
async function metadataIn(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n')
}

async function copyFolder(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, preserveTimestamps: true, force: true })
}

async function keep(images: string, cache: string): Promise<void> {
  const fresh = `${cache}.${process.pid}`
  await mkdir(dirname(cache), { recursive: true })
  await copyFolder(images, fresh)
  await rm(cache, { recursive: true, force: true })
  await rename(fresh, cache)
}

/** Gives the host the image: from the cache where that is current, else built, and kept for the next host. */
export async function useCachedImage(host: PrivateHost, image: string): Promise<void> {
  const images = join(host.layout.state, 'images')
  const cache = cacheOf(image)
  const cached = await metadataIn(cache)
  if (cached !== '') await copyFolder(cache, images)
  await host.buildImage(image)
  if ((await metadataIn(images)) !== cached) await keep(images, cache)
}
