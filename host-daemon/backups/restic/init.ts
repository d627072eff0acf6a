import { z } from 'zod'
import { ResticFailure } from './failure.ts'
import { parseDocument } from './output.ts'
import { SHORT, type Restic, type ResticRunOptions } from './restic.ts'

export interface RepositoryIdentity {
  /** 64 hex digits, made with the repository and never changed. */
  readonly id: string
  /** Format: 1 without compression, 2 with it. */
  readonly version: number
}

const configSchema = z.object({ id: z.string().regex(/^[0-9a-f]{64}$/), version: z.int() })
/** Local, sftp, rest and s3 all say it in these words. */
const EXISTS = /already (?:exists|initialized|contains)/i

/**
 * Makes the repository unless it is there. One that is there is opened with the password, so that afterwards this
 * password is known to open it; `wrong_password` when it does not. Nothing of an existing repository is changed.
 */
export async function initRepository(
  restic: Restic,
  options: ResticRunOptions = {},
): Promise<RepositoryIdentity & { readonly wasCreated: boolean }> {
  const wasCreated = await restic.run({ verb: 'init', flags: [], deadlines: SHORT, ...options }).then(
    () => true,
    (error: unknown) => {
      if (isAboutExisting(error)) return false
      throw error
    },
  )
  return { ...(await readIdentity(restic, options)), wasCreated }
}

/** Opens the repository with the password and says which one it is. Takes no lock and changes nothing. */
export async function readIdentity(restic: Restic, options: ResticRunOptions = {}): Promise<RepositoryIdentity> {
  const call = { verb: 'cat', flags: ['--no-lock', '--json'], operands: ['config'] }
  const { stdout } = await restic.run({ ...call, deadlines: SHORT, ...options })
  return parseDocument('cat', stdout.toString('utf8'), configSchema)
}

function isAboutExisting(error: unknown): boolean {
  return error instanceof ResticFailure && EXISTS.test(String(error.details?.['stderr']))
}
