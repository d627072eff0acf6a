import { readdir } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import SshConfig, { type Directive, type Line, type Section } from 'ssh-config'
import { PilothouseError } from '../../src-shared/error.ts'
import { readTextIfPresent } from '../lib/read-file.ts'
import type { SshEnvironment } from './environment.ts'
import { matchesPattern } from './pattern.ts'

/** As deep as OpenSSH follows `Include`. */
const INCLUDE_DEPTH = 16

/** Directives that would make the parser run a program or ask the network; a look-up must do neither. */
const NEVER = new Set(['canonicalizehostname', 'canonicaldomains'])

function isDirective(line: Line): line is Directive {
  return line.type === SshConfig.DIRECTIVE
}

function valuesOf({ value }: Directive): string[] {
  return typeof value === 'string' ? [value] : value.map(({ val }) => val)
}

/** Files an `Include` names, in order; wildcards are understood in the last part of the path only. */
async function includedFiles(pattern: string, base: string, home: string): Promise<string[]> {
  const expanded = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern
  const path = isAbsolute(expanded) ? expanded : join(base, expanded)
  if (!/[*?]/.test(basename(path))) return [path]
  const names = await readdir(dirname(path)).catch(() => [])
  const found = names.filter((name) => !name.startsWith('.') && matchesPattern(basename(path), name))
  return found.sort().map((name) => join(dirname(path), name))
}

function parse(text: string, path: string): Line[] {
  try {
    return [...SshConfig.parse(text)]
  } catch (error) {
    throw new PilothouseError('invalid_request', `The SSH configuration ${path} cannot be understood.`, {
      cause: error,
    })
  }
}

async function expand(lines: readonly Line[], depth: number, environment: SshEnvironment): Promise<Line[]> {
  const expanded = await Promise.all(lines.map((line) => expandLine(line, depth, environment)))
  return expanded.flat()
}

async function expandLine(line: Line, depth: number, environment: SshEnvironment): Promise<Line[]> {
  if (!isDirective(line)) return []
  const name = line.param.toLowerCase()
  if (NEVER.has(name)) return []
  if ('config' in line) return [await expandSection(line, depth, environment)]
  if (name !== 'include') return [line]
  if (depth >= INCLUDE_DEPTH) {
    throw new PilothouseError('invalid_request', 'The SSH configuration includes files in a circle.')
  }
  const base = join(environment.home, '.ssh')
  const paths = await Promise.all(valuesOf(line).map((value) => includedFiles(value, base, environment.home)))
  const files = await Promise.all(paths.flat().map((path) => readConfig(path, depth + 1, environment)))
  return files.flat()
}

/** A file included inside a section adds its plain directives; sections nested in a section are left out. */
async function expandSection(section: Section, depth: number, environment: SshEnvironment): Promise<Line> {
  const lines = await expand([...section.config], depth, environment)
  const config = new SshConfig()
  config.push(...lines.filter((line) => !('config' in line)))
  return { ...section, config }
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readTextIfPresent(path)
  } catch (error) {
    throw new PilothouseError('invalid_request', `The SSH configuration ${path} cannot be read.`, { cause: error })
  }
}

async function readConfig(path: string, depth: number, environment: SshEnvironment): Promise<Line[]> {
  const text = await textOf(path)
  return text === null ? [] : expand(parse(text, path), depth, environment)
}

/** What the configuration says of one host: directive in lower case → value; the first value found wins. */
export type HostDirectives = Readonly<Record<string, string | string[]>>

/** Reads all files afresh, so that an edit counts at the next attempt. Never runs a program (`Match exec` is false). */
export async function hostDirectivesOf(alias: string, environment: SshEnvironment): Promise<HostDirectives> {
  const config = new SshConfig()
  for (const path of environment.configFiles) config.push(...(await readConfig(path, 0, environment)))
  return config.compute({ Host: alias }, { ignoreCase: true, matchExec: false })
}
