/**
 * Runs inside a new mount namespace: `view.main.ts STATE_FOLDER PROGRAM ARG…`. Gives that namespace the host's own
 * accounts and its folders below /run, then becomes the program (the pid stays). Nothing of it is seen outside.
 */
import '../lib/require-node.ts'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { become, mount } from '../lib/mount.ts'
import { hostLayout, VIEW_ROOT, VIEW_SOCKETS, type HostLayout } from './layout.ts'

/** What of the machine's /run is still needed: how names are resolved. */
const KEPT = ['systemd/resolve', 'resolvconf', 'NetworkManager']

/** A /run of our own: without the machine's name service cache, whose answers would be the machine's accounts. */
function coverRun(layout: HostLayout): void {
  const overlay = layout.runOverlay
  mkdirSync(overlay, { recursive: true })
  mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', overlay)
  mkdirSync(join(overlay, 'sshd'), { mode: 0o755 })
  mkdirSync(join(overlay, 'lock'), { mode: 0o755 })
  for (const name of KEPT.filter((kept) => existsSync(join('/run', kept)))) {
    mkdirSync(join(overlay, name), { recursive: true })
    mount('--bind', join('/run', name), join(overlay, name))
  }
  for (const [folder, seenAt] of [[layout.root, VIEW_ROOT] as const, [layout.sockets, VIEW_SOCKETS] as const]) {
    const place = join(overlay, seenAt.slice('/run/'.length))
    mkdirSync(place)
    mount('--bind', folder, place)
  }
  mount('--move', overlay, '/run')
}

function main(): void {
  const [stateFolder = '', ...argv] = process.argv.slice(2)
  const layout = hostLayout(stateFolder)
  coverRun(layout)
  for (const file of ['passwd', 'group', 'shadow']) mount('--bind', join(layout.accounts, file), join('/etc', file))
  become(argv)
}

main()
