/**
 * Runs inside a new mount namespace: `view.main.ts HOME FOLDER…`. Gives the window's own user an account there, opens
 * a way to each folder where it lies below one that only its owner may enter (such as /root), says so on stdout, and
 * keeps the namespace until its stdin ends. Nothing of it is seen outside.
 */
import '../lib/require-node.ts'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mount } from '../lib/mount.ts'
import { PRIVATE_ID } from './user.ts'

/** An empty folder of every Debian, covered in this namespace while the folders are moved. */
const HOLDS = ['/mnt', '/media', '/srv']
const SEARCH_FOR_OTHERS = 0o001

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** The topmost folder on the way that others may not pass, without the folder itself. */
function closedAncestor(folder: string): string | undefined {
  const ancestors: string[] = []
  for (let path = dirname(folder); path !== '/'; path = dirname(path)) ancestors.unshift(path)
  return ancestors.find((path) => (statSync(path).mode & SEARCH_FOR_OTHERS) === 0)
}

function openWays(folders: readonly string[]): void {
  const closed = [...new Set(folders.map(closedAncestor).filter((path) => path !== undefined))]
  if (closed.length === 0) return
  const hold = HOLDS.find((path) => folders.every((folder) => !isBelow(folder, path)))
  if (hold === undefined) throw new Error(`no folder is free to hold ${folders.join(' ')}`)
  mount('-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', hold)
  folders.forEach((folder, index) => {
    mkdirSync(join(hold, String(index)))
    mount('--bind', folder, join(hold, String(index)))
  })
  for (const path of closed) mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path)
  folders.forEach((folder, index) => {
    if (!closed.some((path) => isBelow(folder, path))) return
    mkdirSync(folder, { recursive: true })
    mount('--bind', join(hold, String(index)), folder)
  })
}

function addAccount(home: string): void {
  const passwd = join(dirname(home), 'passwd')
  const line = `pilothouse:x:${PRIVATE_ID}:${PRIVATE_ID}::${home}:/usr/sbin/nologin\n`
  writeFileSync(passwd, readFileSync('/etc/passwd', 'utf8') + line, { mode: 0o644 })
  mount('--bind', passwd, '/etc/passwd')
}

const [home = '', ...folders] = process.argv.slice(2)
addAccount(home)
openWays(folders)
process.stdout.write('ready\n')
process.stdin.resume()
