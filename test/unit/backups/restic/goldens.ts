import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a version of restic answered: captured from it, or as its documentation has it; the file's first line says. */
export interface Golden {
  readonly version: string
  readonly name: string
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const ROOT = join(import.meta.dirname, 'goldens')
const FORM = /^# (?:captured|from documentation)[^\n]*\nexit (\d+)\n--- stdout\n([\s\S]*?)--- stderr\n([\s\S]*)$/

function load(version: string, file: string): Golden {
  const [, exitCode, stdout = '', stderr = ''] = FORM.exec(readFileSync(join(ROOT, version, file), 'utf8')) ?? []
  if (exitCode === undefined) throw new Error(`${version}/${file} is not a golden.`)
  return { version, name: file.replace(/\.txt$/, ''), exitCode: Number(exitCode), stdout, stderr }
}

const ALL = readdirSync(ROOT).flatMap((version) => readdirSync(join(ROOT, version)).map((file) => load(version, file)))

/** The golden of that name in every version that has it; at least one does. */
export function goldens(name: string): Golden[] {
  const found = ALL.filter((golden) => golden.name === name)
  if (found.length === 0) throw new Error(`There is no golden named ${name}.`)
  return found
}

export const goldenNames = (): Set<string> => new Set(ALL.map(({ name }) => name))

// eslint-disable-next-line @typescript-eslint/require-await -- a stream, as a pipe gives it
export async function* inChunks(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
