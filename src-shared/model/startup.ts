import { z } from 'zod'
import { strictText } from '../lib/strict-text.ts'
import { isWellFormed, utf8Length } from '../lib/utf8.ts'

/** Limits of what a guest can be told at its start. */
export const STARTUP_LIMITS = {
  commandBytes: 8192,
  files: 32,
  variables: 128,
  valueBytes: 32_768,
  fileBytes: 262_144,
  totalBytes: 524_288,
}

/** Text without NUL, which no program could be handed. */
function payloadText(maxBytes: number) {
  return z
    .string()
    .refine((text) => utf8Length(text) <= maxBytes, `must be at most ${maxBytes} bytes`)
    .refine((text) => !text.includes('\0'), 'must not contain NUL')
    .refine(isWellFormed, 'must be well-formed text')
}

export const variableNameSchema = strictText(
  /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
  'must be 1–128 letters, digits and underscores, and not start with a digit',
)

/** Below the place that the guest finds its files at; never absolute, never upwards, no hidden first part. */
export const startupPathSchema = strictText(
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(?:\/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,7}$/,
  'must be a relative path of letters, digits, dots, underscores and dashes, each part starting with a letter, digit or underscore',
)

export const startupFileSchema = z.object({
  path: startupPathSchema,
  content: payloadText(STARTUP_LIMITS.fileBytes),
  isExecutable: z.boolean().default(false),
})

/**
 * What a guest is told at every start: a command, variables and small files, handed over read-only, kept over recover
 * and reset. Values of variables and contents of files are never logged and never answered.
 */
export const startupSchema = z
  .object({
    /** Run by the guest's shell, as the guest's root, after the home is there. */
    command: payloadText(STARTUP_LIMITS.commandBytes).min(1, 'must not be empty').optional(),
    variables: z
      .record(variableNameSchema, payloadText(STARTUP_LIMITS.valueBytes))
      .refine(
        (variables) => Object.keys(variables).length <= STARTUP_LIMITS.variables,
        `must be at most ${STARTUP_LIMITS.variables} variables`,
      )
      .default({}),
    files: z
      .array(startupFileSchema)
      .max(STARTUP_LIMITS.files, `must be at most ${STARTUP_LIMITS.files} files`)
      .refine(hasDistinctPaths, 'must have distinct paths, none of which is a folder of another')
      .default([]),
  })
  .refine(
    (startup) => payloadBytes(startup) <= STARTUP_LIMITS.totalBytes,
    `must be at most ${STARTUP_LIMITS.totalBytes} bytes in all`,
  )
export type Startup = z.infer<typeof startupSchema>

/** The same without any value. */
export const startupSummarySchema = z.object({
  hasCommand: z.boolean(),
  variables: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), bytes: z.int(), isExecutable: z.boolean() })),
})
export type StartupSummary = z.infer<typeof startupSummarySchema>

export function summaryOf({ command, variables, files }: Startup): StartupSummary {
  return {
    hasCommand: command !== undefined,
    variables: Object.keys(variables).sort(),
    files: files.map(({ path, content, isExecutable }) => ({ path, bytes: utf8Length(content), isExecutable })),
  }
}

function hasDistinctPaths(files: readonly { path: string }[]): boolean {
  const paths = files.map(({ path }) => path)
  const isInside = (path: string) => paths.some((other) => other !== path && path.startsWith(`${other}/`))
  return new Set(paths).size === paths.length && !paths.some(isInside)
}

interface Payload {
  readonly command?: string | undefined
  readonly variables: Readonly<Record<string, string>>
  readonly files: readonly { readonly content: string }[]
}

/** UTF-8 bytes of the command, of names and values, and of contents: what `totalBytes` bounds. */
export function payloadBytes({ command = '', variables, files }: Payload): number {
  const texts = [command, ...Object.entries(variables).flat(), ...files.map(({ content }) => content)]
  return texts.reduce((sum, text) => sum + utf8Length(text), 0)
}
