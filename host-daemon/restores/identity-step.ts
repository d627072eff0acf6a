import { PilothouseError } from '../../src-shared/error.ts'
import type { ImageRef } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { HomeFill } from './fill-home-steps.ts'
import { findIdentity, removeIdentity } from './identity.ts'

export interface Renewal {
  readonly fill: HomeFill
  /** Whose recipe says what identity is. */
  readonly image: ImageRef
  /** What an interrupted attempt had found. */
  readonly before: readonly string[]
  readonly signal: AbortSignal
  /** Makes what is to be removed durable, before any of it is; the paths as text. */
  readonly record: (paths: readonly string[]) => Promise<void>
}

/**
 * Takes the source's identity out of a home that was just filled and that no guest has had: machine-id, host keys and
 * whatever else the image's recipe names.
 */
export async function renewIdentity(recovery: RecoveryToolkit, renewal: Renewal): Promise<void> {
  const { fill, image, before, signal, record } = renewal
  const { identity } = await recovery.recoveryOf(image)
  await fill.driver.fillHome(fill.homeId, { folder: recovery.folders.rooms, signal }, async ({ path }) => {
    const found = await findIdentity(path, identity, signal)
    await record([...new Set([...before, ...found.map((below) => `/${below.toString('latin1')}`)])])
    signal.throwIfAborted()
    await removeIdentity(path, found)
    const left = await findIdentity(path, identity, signal)
    if (left.length > 0) throw new PilothouseError('engine_failed', 'The identity of the source could not be removed.')
  })
}
