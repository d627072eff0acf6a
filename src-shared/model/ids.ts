import { z } from 'zod'
import { plainText, strictText } from '../lib/strict-text.ts'

/**
 * Every identifier that may reach an argv, a path or a query, held to a closed grammar.
 * A leading dash, `..`, NUL, newline or path separator never passes.
 */

/** `env-` + 8 hex digits; unique on its host. */
export const environmentIdSchema = strictText(/^env-[0-9a-f]{8}$/, 'must be env- and 8 hex digits').brand(
  'EnvironmentId',
)
export type EnvironmentId = z.infer<typeof environmentIdSchema>

/** What people call an environment: a DNS label, unique on its host. */
export const environmentNameSchema = strictText(
  /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'must be 1–63 lower-case letters, digits and dashes, start with a letter and not end with a dash',
)
  .refine((name) => !/^env-[0-9a-f]{8}$/.test(name), 'must not look like an environment id')
  .brand('EnvironmentName')
export type EnvironmentName = z.infer<typeof environmentNameSchema>

/** An environment by id or by name; the daemon resolves it, ids first. */
export const environmentRefSchema = z.union([environmentIdSchema, environmentNameSchema], {
  error: 'must be an environment id (env- and 8 hex digits) or an environment name',
})
export type EnvironmentRef = z.infer<typeof environmentRefSchema>

export const ownerNameSchema = strictText(
  /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/,
  'must be 1–63 lower-case letters, digits, dots, underscores and dashes, and start and end with a letter or digit',
)
  .refine((name) => !name.includes('..'), 'must not contain two dots in a row')
  .brand('OwnerName')
export type OwnerName = z.infer<typeof ownerNameSchema>

/** `name@version`, for example `minimal@1` or `python@3.11.2`. */
export const imageRefSchema = strictText(
  /^[a-z][a-z0-9-]{0,31}@[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}$/,
  'must be name@version, such as minimal@1',
).brand('ImageRef')
export type ImageRef = z.infer<typeof imageRefSchema>

export const homeIdSchema = strictText(/^home-[0-9a-f]{16}$/, 'must be home- and 16 hex digits').brand('HomeId')
export type HomeId = z.infer<typeof homeIdSchema>

export const bootIdSchema = strictText(/^boot-[0-9a-f]{16}$/, 'must be boot- and 16 hex digits').brand('BootId')
export type BootId = z.infer<typeof bootIdSchema>

export const operationIdSchema = strictText(/^op-[0-9a-f]{16}$/, 'must be op- and 16 hex digits').brand('OperationId')
export type OperationId = z.infer<typeof operationIdSchema>

export const ticketIdSchema = strictText(/^tkt-[0-9a-f]{32}$/, 'must be tkt- and 32 hex digits').brand('TicketId')
export type TicketId = z.infer<typeof ticketIdSchema>

/** A recovery point, whole: the only form that is ever given to restic. */
export const recoveryPointIdSchema = strictText(/^[0-9a-f]{64}$/, 'must be 64 hex digits').brand('RecoveryPointId')
export type RecoveryPointId = z.infer<typeof recoveryPointIdSchema>

/** What people may call a recovery point; the daemon resolves it once, in its own record, for one environment. */
export const recoveryPointRefSchema = strictText(
  /^(?:latest|[0-9a-f]{8,64})$/,
  'must be latest or 8–64 hex digits of a recovery point',
).brand('RecoveryPointRef')
export type RecoveryPointRef = z.infer<typeof recoveryPointRefSchema>

/** Minted at the click; correlates everything that follows it. */
export const requestIdSchema = strictText(/^req-[0-9a-f]{16}$/, 'must be req- and 16 hex digits').brand('RequestId')
export type RequestId = z.infer<typeof requestIdSchema>

/** Names one mutating command; the idempotency key. Reused only to retry that command. */
export const commandIdSchema = strictText(/^cmd-[0-9a-f]{16,64}$/, 'must be cmd- and 16–64 hex digits').brand(
  'CommandId',
)
export type CommandId = z.infer<typeof commandIdSchema>

/** A host as the console knows it; local to one console's database. */
export const hostIdSchema = strictText(/^host-[0-9a-f]{8}$/, 'must be host- and 8 hex digits').brand('HostId')
export type HostId = z.infer<typeof hostIdSchema>

/** What people call a host in the console. */
export const hostNameSchema = strictText(
  /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/,
  'must be 1–63 lower-case letters, digits, dots and dashes, and start and end with a letter or digit',
)
  .refine((name) => !name.includes('..'), 'must not contain two dots in a row')
  .brand('HostName')
export type HostName = z.infer<typeof hostNameSchema>

/** What a client says of itself; never believed, always shown as claimed. */
export const claimedActorSchema = plainText(128).brand('ClaimedActor')
export type ClaimedActor = z.infer<typeof claimedActorSchema>
