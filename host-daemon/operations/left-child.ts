import { signalProcess, waitUntilGone, type ProcessIdentity } from '../system/processes.ts'

/** The kernel ends a dead daemon's children at once; what is left of one is asked, then forced. */
const BY_ITSELF_MS = 2_000
const ASKED_MS = 20_000
const FORCED_MS = 10_000

/** True once that very process is positively gone: by itself, by SIGINT (which lets restic remove its lock), by force. */
export async function endLeftChild(child: ProcessIdentity): Promise<boolean> {
  if (await waitUntilGone(child, { timeoutMs: BY_ITSELF_MS })) return true
  await signalProcess(child, 'SIGINT')
  if (await waitUntilGone(child, { timeoutMs: ASKED_MS })) return true
  await signalProcess(child, 'SIGKILL')
  return await waitUntilGone(child, { timeoutMs: FORCED_MS })
}
