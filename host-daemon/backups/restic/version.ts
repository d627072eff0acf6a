import { notUnderstood } from './output.ts'
import { ResticFailure } from './failure.ts'
import { SHORT, type Restic, type ResticRunOptions } from './restic.ts'

export interface ResticVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** Debian 12's. */
const OLDEST = { major: 0, minor: 14 }

/** The version of the installed restic. Rejects when it is older than 0.14; newer ones than are known are let through. */
export async function readVersion(restic: Restic, options: ResticRunOptions = {}): Promise<ResticVersion> {
  const { stdout } = await restic.run({ verb: 'version', flags: [], deadlines: SHORT, ...options })
  const version = parseVersion(stdout.toString('utf8'))
  if (version.major > OLDEST.major || version.minor >= OLDEST.minor) return version
  const { major, minor, patch } = version
  throw new ResticFailure('unexpected', {
    verb: 'version',
    says: `restic ${major}.${minor}.${patch} is too old`,
    hint: 'Install restic 0.14 or newer on the host.',
  })
}

/** From `restic 0.14.0 compiled with go1.19.8 on linux/amd64`. */
export function parseVersion(text: string): ResticVersion {
  const [, major, minor, patch] = /^restic (\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []
  if (major === undefined || minor === undefined) throw notUnderstood('version', 'its version is not understood')
  return { major: Number(major), minor: Number(minor), patch: Number(patch ?? 0) }
}
