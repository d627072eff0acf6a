import type { z } from 'zod'
import { utf8Length } from '../../../src-shared/lib/utf8.ts'
import {
  payloadBytes,
  STARTUP_LIMITS,
  startupFileSchema,
  startupSchema,
  variableNameSchema,
} from '../../../src-shared/model/startup.ts'
import { bytesText, plural } from '../../lib/format.ts'
import { checkLabels, type LabelsCheck } from '../../lib/label-fields.ts'
import type { SpawnRequest } from '../../stores/submitted.ts'
import type { FileField, MoreFields, VariableField } from './more-fields.ts'

export interface MoreCheck {
  readonly labels: LabelsCheck
  readonly command: string | null
  /** By the id of the line. */
  readonly variables: ReadonlyMap<number, { readonly name?: string; readonly value?: string }>
  readonly files: ReadonlyMap<number, { readonly path?: string; readonly content?: string }>
  /** What is wrong with all of it together. */
  readonly whole: string | null
  /** Of the 512 KiB in all. */
  readonly bytes: number
  readonly isValid: boolean
  /** What is to be sent; nothing where nothing was said. */
  readonly request: Pick<SpawnRequest, 'labels' | 'startup'>
}

/** By the contract's own rules, each said where it is broken; lines that are empty are left out. No message holds a value. */
export function checkMore(fields: MoreFields): MoreCheck {
  const variables = fields.variables.filter(({ name, value }) => name !== '' || value !== '')
  const said = { ...fields, variables }
  const labels = checkLabels(fields.labels)
  const errors = {
    command: commandError(fields.command),
    variables: errorsOf(variables, (field) => variableErrors(field, variables)),
    files: errorsOf(fields.files, (field) => fileErrors(field, fields.files)),
  }
  const startup = startupOf(said)
  const bytes = payloadBytes(startup)
  const whole = wholeError(said, bytes)
  const isSound = errors.command === null && errors.variables.size + errors.files.size === 0 && whole === null
  const isValid = isSound && labels.errors.size === 0 && labels.error === null
  return { labels, ...errors, whole, bytes, isValid, request: requestOf(labels, startup) }
}

function startupOf({ command, variables, files }: MoreFields) {
  return {
    ...(command.trim() === '' ? {} : { command }),
    variables: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    files: files.map(({ path, content, isExecutable }) => ({ path, content, isExecutable })),
  }
}

function requestOf(labels: LabelsCheck, startup: ReturnType<typeof startupOf>): MoreCheck['request'] {
  const hasStartup = 'command' in startup || Object.keys(startup.variables).length + startup.files.length > 0
  return {
    ...(Object.keys(labels.labels).length === 0 ? {} : { labels: labels.labels }),
    ...(hasStartup ? { startup } : {}),
  }
}

function errorsOf<Field extends { id: number }, Errors extends object>(
  fields: readonly Field[],
  errorsIn: (field: Field) => Errors,
): Map<number, Errors> {
  const all = fields.map((field) => [field.id, errorsIn(field)] as const)
  return new Map(all.filter(([, errors]) => Object.keys(errors).length > 0))
}

/** What the contract says of a text that is not too long. */
function firstMessage(schema: z.ZodType, value: unknown): string | undefined {
  return schema.safeParse(value).error?.issues[0]?.message
}

function tooLong(text: string, maxBytes: number): string | undefined {
  const bytes = utf8Length(text)
  return bytes > maxBytes ? `at most ${bytesText(maxBytes)}; this is ${bytesText(bytes)}` : undefined
}

function commandError(command: string): string | null {
  if (command.trim() === '') return null
  return tooLong(command, STARTUP_LIMITS.commandBytes) ?? firstMessage(startupSchema.shape.command, command) ?? null
}

function variableErrors({ name, value }: VariableField, all: readonly VariableField[]) {
  const isTwice = all.filter((other) => other.name === name).length > 1
  const nameSays = nameError(name) ?? (isTwice ? 'this name is there twice' : undefined)
  const valueSays =
    tooLong(value, STARTUP_LIMITS.valueBytes) ?? firstMessage(startupSchema.shape.variables, { NAME: value })
  return given({ name: nameSays, value: valueSays })
}

/** The contract's readers drop the one name that means something else to them. */
function nameError(name: string): string | undefined {
  if (name === '') return 'give it a name'
  return name === '__proto__' ? 'this name cannot be used' : firstMessage(variableNameSchema, name)
}

function fileErrors({ id, path, content }: FileField, all: readonly FileField[]) {
  const others = all.filter((other) => other.id !== id).map((other) => other.path)
  const pathSays = path === '' ? 'say where in the guest' : firstMessage(startupFileSchema.shape.path, path)
  const contentSays =
    tooLong(content, STARTUP_LIMITS.fileBytes) ?? firstMessage(startupFileSchema.shape.content, content)
  return given({ path: pathSays ?? clashOf(path, others), content: contentSays })
}

function clashOf(path: string, others: readonly string[]): string | undefined {
  if (others.includes(path)) return 'this path is there twice'
  const folder = others.find((other) => other !== '' && path.startsWith(`${other}/`))
  return folder === undefined ? undefined : `${folder} is a file here, so nothing can be in it`
}

function wholeError({ variables, files }: MoreFields, bytes: number): string | null {
  const { variables: mostVariables, files: mostFiles, totalBytes } = STARTUP_LIMITS
  if (variables.length > mostVariables)
    return `At most ${plural(mostVariables, 'variable')}; these are ${variables.length}.`
  if (files.length > mostFiles) return `At most ${plural(mostFiles, 'file')}; these are ${files.length}.`
  if (bytes <= totalBytes) return null
  return `Command, variables and files take ${bytesText(bytes)}; at most ${bytesText(totalBytes)} can be handed over.`
}

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> }

function given<T extends object>(errors: T): Given<T> {
  return Object.fromEntries(Object.entries(errors).filter(([, says]) => says !== undefined)) as Given<T>
}
