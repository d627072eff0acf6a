import type { z } from 'zod'
import { readText } from '../system/file-parts.ts'
import { isAbsence } from '../system/presence.ts'
import { SETTING_KEYS, VARIABLE_PREFIX, type SettingKey } from './settings-keys.ts'
import { settingsSchema, type Settings } from './settings-schema.ts'

export type { Settings } from './settings-schema.ts'

export const DEFAULT_SETTINGS_PATH = '/etc/pilothouse/daemon.json'

export interface SettingsSource {
  /** Undefined means the default path, whose file may be absent; a path that was named must exist. */
  readonly filePath?: string
  /** The process's environment; wins over the file. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** One sentence for each thing wrong, each naming the setting and the value it has. */
export class SettingsError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/** Variables of the same prefix that the console's command line reads; a login may well have them set. */
const CONSOLE_VARIABLES = ['PILOTHOUSE_HOST', 'PILOTHOUSE_SOCKET']

type Json = Record<string, unknown>

/** Reads and checks every setting; rejects with `SettingsError` naming all that is wrong, not the first alone. */
export async function loadSettings(source: SettingsSource): Promise<Settings> {
  const values = await readSettingsFile(source.filePath)
  const variables = namedVariables(source.environment)
  const strangers = unknownVariables(variables)
  for (const key of SETTING_KEYS) {
    const text = variables.get(key.variable)
    if (text !== undefined) assign(values, key.path, readVariable(key, text))
  }
  const result = settingsSchema.safeParse(values)
  if (result.success && strangers.length === 0) return result.data
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => describeIssue(issue, values, variables))
  throw new SettingsError([...strangers, ...issues])
}

async function readSettingsFile(filePath: string | undefined): Promise<Json> {
  const path = filePath ?? DEFAULT_SETTINGS_PATH
  let text: string
  try {
    text = await readText(path)
  } catch (error) {
    if (isAbsence(error) && filePath === undefined) return {}
    throw new SettingsError([`settings file ${path} cannot be read: ${reasonOf(error)}`])
  }
  return parseSettingsFile(path, text)
}

function parseSettingsFile(path: string, text: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new SettingsError([`settings file ${path} is not JSON: ${reasonOf(error)}`])
  }
  if (!isObject(value)) throw new SettingsError([`settings file ${path} must hold one JSON object`])
  return value
}

function namedVariables(environment: SettingsSource['environment']): Map<string, string> {
  const named = Object.entries(environment).filter(([name]) => name.startsWith(VARIABLE_PREFIX))
  return new Map(named.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const])))
}

function unknownVariables(variables: ReadonlyMap<string, string>): string[] {
  const known = new Set([...CONSOLE_VARIABLES, ...SETTING_KEYS.map((key) => key.variable)])
  const strangers = [...variables].filter(([name]) => !known.has(name))
  return strangers.map(([name, text]) => `environment variable ${name} (value ${quoteOf(name, text)}) names no setting`)
}

/** JSON where the setting takes it (`4`, `null`, `[…]`), else the text itself. */
function readVariable(key: SettingKey, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' || key.schema.safeParse(value).success ? value : text
  } catch {
    return text
  }
}

function assign(values: Json, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path
  if (head === undefined) return
  if (rest.length === 0) {
    values[head] = value
    return
  }
  const inner = values[head]
  const object = isObject(inner) ? inner : {}
  values[head] = object
  assign(object, rest, value)
}

function describeIssue(issue: z.core.$ZodIssue, values: Json, variables: ReadonlyMap<string, string>): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      return `setting ${path.join('.')} (value ${quoteOf(key, valueAt(values, path))}) does not exist`
    })
  }
  const variable = SETTING_KEYS.find((key) => key.path.every((name, index) => issue.path[index] === name))?.variable
  const origin = variable !== undefined && variables.has(variable) ? ` (from ${variable})` : ''
  const value = valueAt(values, issue.path)
  const has = isSecret(issue.path, value) ? 'has a value that is not shown' : `has the value ${quote(value)}`
  return [`setting ${issue.path.join('.')}${origin} ${has}: ${saysOf(issue)}`]
}

function saysOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map((value) => String(value)).join(', ')}`
  if (issue.code !== 'invalid_type' || !issue.message.startsWith('Invalid input')) return issue.message
  return `must be of type ${issue.expected}`
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (isIndexable(value) ? value[key] : undefined), values)
}

const QUOTE_LENGTH = 120
/** A user and a password, where somebody put them into a location; a password may have any letter. */
const LOGIN = /(:(?:\/\/)?[^/@:\s"]*):.+@/g

function quote(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value).replaceAll(LOGIN, '$1:***@')
  return text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text
}

/** Of a setting that there is not: its name alone says what its value may be. */
const quoteOf = (name: string, value: unknown): string =>
  /password|passphrase|secret|token/i.test(name) ? 'not shown' : quote(value)

/** A user and a password stand where the path of the file with them belongs. */
function isSecret(path: readonly PropertyKey[], value: unknown): boolean {
  return /credentials/i.test(String(path.at(-1))) && typeof value === 'string' && /^[^/]*:/.test(value)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIndexable(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
