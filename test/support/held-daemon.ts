import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BootRecord } from '../../host-daemon/drivers/vm-driver.ts'

/** What a daemon does in the middle of which it is killed. */
export type HomeViewOrders =
  | { readonly what: 'hold_frozen' | 'hold_view'; readonly folder: string; readonly record: BootRecord }
  | { readonly what: 'hold_fresh_home'; readonly folder: string; readonly imagePath: string }

/** A daemon of a process of its own, in the middle of its work. */
export interface HeldDaemon {
  /** By SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export async function heldDaemon(ordersPath: string, orders: HomeViewOrders): Promise<HeldDaemon> {
  await writeFile(ordersPath, JSON.stringify(orders))
  const main = join(import.meta.dirname, 'home-view-daemon.main.ts')
  const child = spawn(process.execPath, [main, ordersPath], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[]
  if (String(said) !== 'held\n') throw new Error(`The daemon was to hold still and says ${String(said)}.`)
  return {
    kill: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
