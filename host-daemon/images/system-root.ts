import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import { runProgram } from '../system/child.ts'
import { ProgramFailure } from '../system/program-failure.ts'
import type { SystemRecipe } from './recipe.ts'
import type { SystemPackage } from './system-packages.ts'

const INSTALL_TIMEOUT_MS = 1_800_000
/** For what asks what time the build is of, in seconds since 1970. */
const BUILD_TIME = '1700000000'
const MERGED_USR = '/usr/share/mmdebstrap/hooks/merged-usr'
/** Nobody reads them in a guest. */
const LEFT_OUT = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*', '/usr/share/locale/*']

/** What the system's processes are kept in: they see no network, and end with the program that started them. */
const APART = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--']

/** The builder's host leaves a name and a resolver behind; a guest's are its own. */
const FINISH = `#!/bin/sh
set -eu
umask 022
chmod -R u=rwX,go=rX -- "$PILOTHOUSE_OVERLAY"
cp -R --remove-destination -- "$PILOTHOUSE_OVERLAY/." "$1"
rm -f -- "$1/etc/hostname" "$1/etc/resolv.conf" "$1/var/lib/dbus/machine-id"
: > "$1/etc/machine-id"
chroot "$1" /bin/sh -eu < "$PILOTHOUSE_SETUP"
`

export interface SystemInputs {
  readonly system: SystemRecipe
  readonly packages: readonly (SystemPackage & { readonly deb: string })[]
}

/**
 * Installs the system below `workDirectory` and returns its folder. Needs `mmdebstrap` and root. What is installed
 * comes from `packages` and nowhere else: there is no network, and nothing of the host gets in. The packages' own scripts
 * run, in namespaces that end with them: nothing stays mounted, also where this process is killed.
 */
export async function installSystem(
  inputs: SystemInputs,
  workDirectory: string,
  signal?: AbortSignal,
): Promise<string> {
  const repository = join(workDirectory, 'repository')
  const tree = join(workDirectory, 'system')
  await writeRepository(repository, inputs.packages)
  const finishing = await writeFinishing(workDirectory, inputs.system)
  await runProgram({
    file: 'unshare',
    args: [...APART, ...installer(inputs, { repository, tree }, finishing.hook)],
    environment: { ...finishing.environment, SOURCE_DATE_EPOCH: BUILD_TIME },
    timeoutMs: INSTALL_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  }).catch(saying)
  return tree
}

function saying(error: unknown): never {
  if (error instanceof ProgramFailure && /mmdebstrap.*No such file/.test(error.stderr))
    throw new PilothouseError('engine_failed', 'This image is made with mmdebstrap, which the host does not have.', {
      hint: 'Install it with: apt-get install mmdebstrap, then build again.',
      cause: error,
    })
  throw error
}

function installer(
  { packages, system }: SystemInputs,
  { repository, tree }: { readonly repository: string; readonly tree: string },
  hook: string,
): string[] {
  const known = new Set(packages.map(({ name }) => name))
  const wanted = system.packages.flatMap((alternatives) => alternatives.find((name) => known.has(name)) ?? [])
  return [
    ...['mmdebstrap', '--quiet', '--mode=root', '--variant=apt', '--format=directory', `--hook-dir=${MERGED_USR}`],
    ...[`--include=${wanted.join(',')}`, '--aptopt=Apt::Install-Recommends "false"'],
    ...['--aptopt=APT::Sandbox::User "root"', ...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`)],
    ...[`--customize-hook=${hook}`, '', tree, `deb [trusted=yes] copy:${encodeURI(repository)} ./`],
  ]
}

/** A package list of one's own, and beside it the packages by name. */
async function writeRepository(folder: string, packages: SystemInputs['packages']): Promise<void> {
  await mkdir(folder)
  for (const { name, deb } of packages) await symlink(deb, join(folder, `${name}.deb`))
  const stanzas = packages.map(({ name, stanza }) => stanza.replace(/^Filename: .*$/m, `Filename: ./${name}.deb`))
  await writeFile(join(folder, 'Packages'), `${stanzas.join('\n\n')}\n`)
}

async function writeFinishing(
  workDirectory: string,
  { overlay, setup }: SystemRecipe,
): Promise<{ hook: string; environment: Record<string, string> }> {
  const [files, script, hook] = [
    join(workDirectory, 'overlay'),
    join(workDirectory, 'setup'),
    join(workDirectory, 'finish'),
  ]
  await mkdir(files)
  for (const { path, isExecutable, content } of overlay) {
    const target = join(files, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
    await chmod(target, isExecutable ? 0o755 : 0o644)
  }
  await writeFile(script, setup)
  await writeFile(hook, FINISH)
  await chmod(hook, 0o755)
  return { hook, environment: { PILOTHOUSE_OVERLAY: files, PILOTHOUSE_SETUP: script } }
}
