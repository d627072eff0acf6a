import { userInfo } from 'node:os'

/** The login that the console runs as; of a user without an account, what the environment says, or its number. */
export function loginName(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().username
  } catch {
    return env['USER'] ?? env['LOGNAME'] ?? `uid-${process.getuid?.() ?? 0}`
  }
}
