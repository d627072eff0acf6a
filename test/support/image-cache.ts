import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fromRoot } from '../../scripts/lib/paths.ts'
import type { PrivateHost } from '../../scripts/private-host/private-host.ts'

/** Images that an earlier test host has built; the daemon itself says whether they are still what it would build. */
const CACHE = fromRoot('out', 'test-images')

/** Gives the host the image: from the cache where that is current, else built, and kept for the next host. */
export async function useCachedImage(host: PrivateHost, image: string): Promise<void> {
  const images = join(host.layout.state, 'images')
  if (existsSync(CACHE)) await cp(CACHE, images, { recursive: true, preserveTimestamps: true })
  const before = Date.now()
  await host.buildImage(image)
  if (!existsSync(CACHE) || Date.now() - before > REBUILT_MS) await keep(images)
}

/** An unchanged image is found in a fraction of this, in milliseconds; a build takes many times as long. */
const REBUILT_MS = 4000

async function keep(images: string): Promise<void> {
  const fresh = `${CACHE}.${process.pid}`
  await mkdir(fromRoot('out'), { recursive: true })
  await cp(images, fresh, { recursive: true, preserveTimestamps: true })
  await rm(CACHE, { recursive: true, force: true })
  await rename(fresh, CACHE)
}
