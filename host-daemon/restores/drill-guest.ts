import { PilothouseError } from '../../src-shared/error.ts'
import type { DrillCheck } from '../../src-shared/model/operation-result.ts'
import type { BootRecord, GuestProgram, GuestProgramResult, VmDriver } from '../drivers/vm-driver.ts'
import type { SampledFile } from './drill-sample.ts'
import { shownPath } from './files-paths.ts'

/** Where every image mounts the home. */
export const GUEST_HOME = '/home'
const PROGRAM_MS = 5 * 60_000
const CHECK_MS = 2 * 60_000
/** A guest's clock is its host's but for so much. */
const CLOCK_SLACK_MS = 5_000
const SAID_CHARACTERS = 200

const PATH = 'PATH=/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin; export PATH; cd -- "$1" || exit 9; shift; '
/** Names may hold anything but a NUL. */
export const COUNT_SCRIPT = `${PATH}find . -xdev -print0 | tr -dc '\\000' | wc -c`
/** A line for each path: hash and time of change, `missing` or `unreadable`. */
export const HASH_SCRIPT = `${PATH}for path; do
if [ -f "./$path" ] && [ ! -L "./$path" ]; then
hash=$(sha256sum < "./$path") && time=$(stat -c %Y "./$path") && echo "\${hash%% *} $time" || echo unreadable
else echo missing; fi; done`

/** What is known of the home from before its guest was started. */
export interface DrillEvidence {
  readonly entries: number
  readonly sample: readonly SampledFile[]
  /** On the host's clock. */
  readonly bootedAt: number
}

export interface GuestQuestion {
  readonly driver: VmDriver
  readonly record: BootRecord
  readonly evidence: DrillEvidence
  /** The image's check command; null where it has none. */
  readonly check: readonly string[] | null
  readonly signal: AbortSignal
}

/** Asks the guest, which is ready, for everything that is to be held against the point. Its answers are its word. */
export async function askGuest(question: GuestQuestion): Promise<DrillCheck[]> {
  const checks = [await askCheck(question)]
  checks.push(await judged('entries', () => askEntries(question)))
  checks.push(await judged('hashes', () => askHashes(question)))
  return checks
}

async function askCheck(question: GuestQuestion): Promise<DrillCheck> {
  const [file, ...args] = question.check ?? []
  if (file === undefined) {
    const detail = 'Its agent answers; the image names no check command of its own.'
    return { name: 'agent answers', isPassed: true, detail }
  }
  return await judged('check command', async () => {
    const { exitCode, stdout, stderr } = await run(question, { file, args, deadlineMs: CHECK_MS })
    const isPassed = exitCode === 0
    const said = isPassed ? '' : saidBy(stderr.length > 0 ? stderr : stdout)
    const ended = exitCode === null ? 'was ended by a signal' : `ended with ${exitCode}`
    return { isPassed, detail: `The image's check command ${ended}.${said}` }
  })
}

async function askEntries(question: GuestQuestion): Promise<Verdict> {
  const { entries } = question.evidence
  const { exitCode, stdout } = await run(question, inShell(COUNT_SCRIPT, []))
  // The root itself is counted too.
  const seen = Number.parseInt(stdout.toString('latin1').trim(), 10) - 1
  if (exitCode !== 0 || !Number.isSafeInteger(seen))
    return { isPassed: false, detail: 'The guest could not count them.' }
  const others = seen > entries ? ` It made ${seen - entries} more since its start.` : ''
  return { isPassed: seen >= entries, detail: `The guest has ${seen} of ${entries} files and folders.${others}` }
}

async function askHashes(question: GuestQuestion): Promise<Verdict> {
  const { sample } = question.evidence
  if (sample.length === 0) return { isPassed: true, detail: 'The point has no file that could be sampled.' }
  const paths = sample.map(({ path }) => path)
  const { exitCode, stdout } = await run(question, inShell(HASH_SCRIPT, paths))
  const lines = stdout.toString('latin1').split('\n').slice(0, -1)
  if (exitCode !== 0 || lines.length !== sample.length) {
    return { isPassed: false, detail: 'The guest could not read the sample.' }
  }
  return compareSample(question.evidence, lines)
}

/** Pure: a line of `HASH_SCRIPT` for each sampled file. What the start itself has changed is told, and no failure. */
export function compareSample({ sample, bootedAt }: DrillEvidence, lines: readonly string[]): Verdict {
  const [changed, wrong]: [string[], string[]] = [[], []]
  for (const [index, file] of sample.entries()) {
    const [hash = '', seconds = ''] = (lines[index] ?? 'missing').split(' ')
    if (hash === file.sha256) continue
    const modifiedAt = Number.parseInt(seconds, 10) * 1000
    const isChangedSince = modifiedAt > file.modifiedAtMs && modifiedAt >= bootedAt - CLOCK_SLACK_MS
    ;(isChangedSince ? changed : wrong).push(file.path)
  }
  const same = sample.length - changed.length - wrong.length
  const counted = `Of ${sample.length} sampled files, ${same} are what the point holds.`
  const since = changed.length > 0 ? ` The start itself changed ${changed.length}.` : ''
  const differ = wrong.length > 0 ? ` ${wrong.length} differ, such as ${shownPath(wrong[0] ?? '')}.` : ''
  return { isPassed: wrong.length === 0, detail: `${counted}${since}${differ}` }
}

type Verdict = Omit<DrillCheck, 'name'>

/** A guest that cannot be asked has not passed: what could not be verified is not fine. */
async function judged(name: string, ask: () => Promise<Verdict>): Promise<DrillCheck> {
  try {
    return { name, ...(await ask()) }
  } catch (error) {
    const isGuests = error instanceof PilothouseError && error.code !== 'cancelled' && error.code !== 'internal'
    if (!isGuests) throw error
    return { name, isPassed: false, detail: error.message }
  }
}

function inShell(script: string, args: readonly string[]): Pick<GuestProgram, 'file' | 'args' | 'deadlineMs'> {
  return { file: '/bin/sh', args: ['-c', script, 'sh', GUEST_HOME, ...args], deadlineMs: PROGRAM_MS }
}

async function run(
  { driver, record, signal }: GuestQuestion,
  program: Pick<GuestProgram, 'file' | 'args' | 'deadlineMs'>,
): Promise<GuestProgramResult> {
  const result = await driver.runInGuest(record, { ...program, signal })
  signal.throwIfAborted()
  return result
}

/** At most so much of a guest's output, as it can be shown. */
function saidBy(output: Buffer): string {
  const line = output.toString('utf8').trim().split('\n').at(-1) ?? ''
  return line === '' ? '' : ` It said: ${shownPath(line.slice(0, SAID_CHARACTERS))}`
}
