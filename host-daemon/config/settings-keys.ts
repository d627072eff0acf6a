import { z } from 'zod'
import { settingNotes, type SettingNote } from './setting.ts'
import { settingsSchema } from './settings-schema.ts'

/** One setting as the file and the environment name it. */
export interface SettingKey {
  /** Path in the file, such as `['limits', 'cpus']`. */
  readonly path: readonly string[]
  /** Such as `PILOTHOUSE_LIMITS_CPUS`. */
  readonly variable: string
  readonly schema: z.ZodDefault
  readonly note: SettingNote
}

export const VARIABLE_PREFIX = 'PILOTHOUSE_'

/** Every setting, in the order of declaration. */
export const SETTING_KEYS: readonly SettingKey[] = keysIn(settingsSchema, [])

function keysIn(object: z.ZodObject, parents: readonly string[]): SettingKey[] {
  return Object.entries(object.shape).flatMap(([name, schema]) => {
    const path = [...parents, name]
    const note = settingNotes.get(schema as z.ZodType)
    if (note !== undefined) return [{ path, variable: variableOf(path), schema: schema as z.ZodDefault, note }]
    if (schema instanceof z.ZodPrefault && schema.unwrap() instanceof z.ZodObject)
      return keysIn(schema.unwrap() as z.ZodObject, path)
    throw new TypeError(`setting ${path.join('.')} has no description`)
  })
}

/** `limits.memoryMiB` → `PILOTHOUSE_LIMITS_MEMORY_MIB`. */
function variableOf(path: readonly string[]): string {
  const words = path.map((name) => name.replaceAll('iB', 'ib').replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_'))
  return VARIABLE_PREFIX + words.join('_').toUpperCase()
}
