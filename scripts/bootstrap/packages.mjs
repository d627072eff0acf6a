import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NEEDS, needsOf } from './needs.mjs'
import { Refusal } from './refusal.mjs'
import { findProgram, run, say } from './run.mjs'

const POLICY_FILE = '/usr/sbin/policy-rc.d'

function isUbuntu() {
  try {
    return /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

function isPresent(need) {
  const { programs = [], files = [] } = need
  return programs.some((program) => findProgram(program) !== undefined) || files.some((file) => existsSync(file))
}

function packageOf(need) {
  return (isUbuntu() ? need.ubuntu : undefined) ?? need.package
}

/** argv in front of a command that needs root; undefined where there is no way to become root. */
async function rootPrefix() {
  if (process.getuid() === 0) return []
  if (findProgram('sudo') === undefined) return undefined
  if ((await run(['sudo', '-n', 'true'], { quiet: true })) === 0) return ['sudo', '-n']
  return process.stdin.isTTY ? ['sudo'] : undefined
}

async function aptInstall(prefix, packages) {
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y']
  const install = [...apt, 'install', '--no-install-recommends', ...packages]
  const hasLists = readdirSync('/var/lib/apt/lists').some(
    (name) => name.endsWith('Packages') || name.includes('Packages.'),
  )
  if (hasLists && (await run(install)) === 0) return true
  return (await run([...apt, 'update'])) === 0 && (await run(install)) === 0
}

/**
 * Installs without starting any service: Debian asks policy-rc.d before it starts one. An sshd that comes with
 * openssh-server would otherwise listen to the whole network, which nobody has asked for.
 */
async function installWithoutServices(prefix, packages) {
  if (existsSync(POLICY_FILE)) return aptInstall(prefix, packages)
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-'))
  try {
    writeFileSync(join(folder, 'policy'), '#!/bin/sh\nexit 101\n')
    await run([...prefix, 'install', '-m', '755', join(folder, 'policy'), POLICY_FILE])
    return await aptInstall(prefix, packages)
  } finally {
    await run([...prefix, 'rm', '-f', POLICY_FILE])
    rmSync(folder, { recursive: true })
  }
}

/** A service that came with a package stays off after the next boot too. */
async function keepServicesOff(prefix, missing) {
  const units = missing.flatMap((need) => need.services ?? [])
  if (units.length === 0 || !existsSync('/run/systemd/system')) return
  await run([...prefix, 'systemctl', 'disable', '--now', ...units], { quiet: true })
}

function listOf(missing) {
  return missing.map((need) => `  ${packageOf(need)}: ${need.why}`).join('\n')
}

function refuse(missing, why) {
  const packages = missing.map(packageOf).join(' ')
  throw new Refusal(
    `Missing, and could not be installed (${why}):\n${listOf(missing)}\n` +
      `Install them yourself, then run the command again:\n  sudo apt-get install --no-install-recommends ${packages}`,
  )
}

/** Installs the Debian packages that the command needs and the machine lacks; says which and why where it cannot. */
export async function ensurePackages(command, args) {
  const missing = needsOf(command, args)
    .map((name) => NEEDS[name])
    .filter((need) => !isPresent(need))
  if (missing.length === 0) return
  if (findProgram('apt-get') === undefined) refuse(missing, 'this is not Debian or Ubuntu: there is no apt-get')
  const prefix = await rootPrefix()
  if (prefix === undefined) refuse(missing, 'this is not root, and sudo cannot be used without a question')
  say(`Installing Debian packages:\n${listOf(missing)}`)
  const packages = [...new Set(missing.flatMap((need) => packageOf(need).split(' ')))]
  const isInstalled = await installWithoutServices(prefix, packages)
  await keepServicesOff(prefix, missing)
  const remaining = missing.filter((need) => !isPresent(need))
  if (!isInstalled || remaining.length > 0) refuse(remaining.length > 0 ? remaining : missing, 'apt-get says why above')
}
