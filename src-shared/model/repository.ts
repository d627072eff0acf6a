import { z } from 'zod'

/**
 * Where a restic repository is, held to a closed grammar of four kinds. A location never carries a password or a key:
 * it is seen in process lists, logs and messages. No part of it starts with a dash (ssh would take that for an option),
 * and no path has an empty, `.` or `..` segment.
 */

export type RepositoryKind = 'local' | 'sftp' | 'rest' | 's3'

const SEGMENT = String.raw`(?!-|\.{1,2}(?:/|$))[A-Za-z0-9._@+=,~-]{1,255}`
const HOST = String.raw`[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?`
const PORT = String.raw`(?::[0-9]{1,5})?`
const USER = String.raw`(?:[A-Za-z_][A-Za-z0-9._-]{0,63}@)?`
const ABSOLUTE = `(?:/${SEGMENT})+`
const RELATIVE = `${SEGMENT}(?:/${SEGMENT})*`
/** Behind a host and a colon no `@` may come: `user:password@host` would read as a host and a path. */
const BEHIND_HOST = `${SEGMENT.replace('@', '')}(?:/${SEGMENT})*`

const GRAMMARS: Readonly<Record<RepositoryKind, RegExp>> = {
  local: new RegExp(`^${ABSOLUTE}$`),
  sftp: new RegExp(`^sftp:(?:${USER}${HOST}:(?:${ABSOLUTE}|${BEHIND_HOST})|//${USER}${HOST}${PORT}/${ABSOLUTE})$`),
  rest: new RegExp(`^rest:https?://${HOST}${PORT}/(?:${RELATIVE}/?)?$`),
  s3: new RegExp(`^s3:(?:https?://)?${HOST}${PORT}/${RELATIVE}$`),
}
const MAX_LENGTH = 1024
const SAYS =
  'must be an absolute path, sftp:user@host:/path, sftp://user@host:port//path, rest:https://host:port/path/ ' +
  'or s3:https://host/bucket/path, without a password and without . or .. in its path'

/** Which kind of repository a location names; undefined when it is none that is accepted. */
export function repositoryKindOf(location: string): RepositoryKind | undefined {
  if (location.length > MAX_LENGTH) return undefined
  return (Object.keys(GRAMMARS) as RepositoryKind[]).find((kind) => GRAMMARS[kind].test(location))
}

export const repositoryLocationSchema = z
  .string()
  .max(MAX_LENGTH, SAYS)
  .refine((location) => repositoryKindOf(location) !== undefined, SAYS)
  .brand('RepositoryLocation')
export type RepositoryLocation = z.infer<typeof repositoryLocationSchema>
