import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import { runProgram } from '../system/child.ts'
import { lookUpPackages, parsePackages, type DebianPackage } from './packages.ts'

const QUERY_TIMEOUT_MS = 60_000
/** The description of every package of a system. */
const STANZAS_LIMIT_BYTES = 16 * 1024 * 1024
/** Debian's own pattern for what no system is without. */
const ESSENTIAL = '?essential'

/** A package of a guest's system, with everything that a package list says of it. */
export interface SystemPackage extends DebianPackage {
  readonly stanza: string
}

/**
 * Every package of a system that has what Debian calls essential and the packages wanted: what they depend on with
 * them, what they only recommend without. Decided by apt from the host's package lists as for an empty machine,
 * whatever this one has installed; asks no network. In the order of their names.
 */
export async function resolveSystem(
  wanted: readonly (readonly string[])[],
  signal?: AbortSignal,
): Promise<SystemPackage[]> {
  const chosen = (await lookUpPackages(wanted, signal)).map(({ name }) => name)
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-system-'))
  try {
    const status = join(folder, 'status')
    await writeFile(status, '')
    const onEmptyMachine = ['-o', `Dir::State::status=${status}`, '-o', 'Dir::Cache::pkgcache=']
    const versions = await installedBy(chosen, onEmptyMachine, signal)
    return await describe(versions, onEmptyMachine, signal)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Options = readonly string[]

async function installedBy(
  chosen: readonly string[],
  options: Options,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const { stdout } = await runProgram({
    file: 'apt-get',
    args: ['--simulate', ...options, '-o', 'APT::Install-Recommends=0', 'install', ESSENTIAL, ...chosen],
    timeoutMs: QUERY_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  })
  return new Map(parseSimulation(stdout.toString('utf8')))
}

/** Name and version of each package that a simulated installation would install. */
export function parseSimulation(output: string): [name: string, version: string][] {
  const lines = output.matchAll(/^Inst ([^\s:]+)(?::\S+)? (?:\[\S+\] )?\((\S+) /gm)
  return [...lines].map(([, name = '', version = '']) => [name, version])
}

async function describe(
  versions: ReadonlyMap<string, string>,
  options: Options,
  signal: AbortSignal | undefined,
): Promise<SystemPackage[]> {
  const { stdout } = await runProgram({
    file: 'apt-cache',
    args: [...options, 'show', '--no-all-versions', '--', ...versions.keys()],
    timeoutMs: QUERY_TIMEOUT_MS,
    stdoutLimit: STANZAS_LIMIT_BYTES,
    ...(signal === undefined ? {} : { signal }),
  })
  const described = new Map(parsePackages(stdout.toString('utf8')).map((one) => [one.name, one]))
  const names = [...versions.keys()].sort()
  return names.map((name) => {
    const found = described.get(name)
    if (found !== undefined && found.version === versions.get(name)) return found
    throw new PilothouseError('engine_failed', `The host's package lists do not describe ${name}.`, {
      hint: 'Run apt-get update on the host, then build again.',
    })
  })
}
