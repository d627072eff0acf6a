import { posix } from 'node:path'
import type { Startup } from '../../../src-shared/model/startup.ts'
import { cpioArchive, type CpioEntry } from '../../images/cpio.ts'

/** Disks consist of whole sectors, in bytes. */
const SECTOR_BYTES = 512
const SECRET = 0o600
const PROGRAM = 0o755
const DATA = 0o644

/**
 * What a guest is told, as a disk that it only reads: a `newc` archive of `command` and `variables`, where there are
 * any, and of the files below `files/`. `variables` is text for the guest's shell that exports each of them as it is.
 */
export function startupArchive({ command, variables, files }: Startup): Buffer {
  const told = files.map(({ path, content, isExecutable }) =>
    toFile(`files/${path}`, content, isExecutable ? PROGRAM : DATA),
  )
  return wholeSectors(
    cpioArchive([
      ...foldersOf(told),
      ...told,
      toFile('variables', exportsOf(variables), SECRET),
      ...(command === undefined ? [] : [toFile('command', command, SECRET)]),
    ]),
  )
}

type TextFile = Extract<CpioEntry, { kind: 'file' }>

function toFile(path: string, content: string, mode: number): TextFile {
  return { kind: 'file', path, mode, content: Buffer.from(content) }
}

/** `files` is always there; parents come before their children. */
function foldersOf(files: readonly TextFile[]): CpioEntry[] {
  const paths = new Set(['files', ...files.flatMap(({ path }) => parentsOf(path))])
  return [...paths].sort().map((path) => ({ kind: 'directory', path, mode: PROGRAM }))
}

function parentsOf(path: string): string[] {
  const parent = posix.dirname(path)
  return parent === '.' ? [] : [...parentsOf(parent), parent]
}

function exportsOf(variables: Startup['variables']): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}\n`)
  return lines.join('')
}

/** Between single quotes a shell changes nothing, and only a single quote ends them. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}

function wholeSectors(bytes: Buffer): Buffer {
  const missing = (SECTOR_BYTES - (bytes.length % SECTOR_BYTES)) % SECTOR_BYTES
  return Buffer.concat([bytes, Buffer.alloc(missing)])
}
