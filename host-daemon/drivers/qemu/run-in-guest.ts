import { z } from 'zod'
import { PilothouseError } from '../../../src-shared/error.ts'
import { waitUntilGone } from '../../system/processes.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import type { BootRecord, GuestProgram, GuestProgramResult } from '../vm-driver.ts'
import { AgentRefusal, type AgentClient } from './agent-client.ts'
import { findGuest } from './find-guest.ts'
import { inspectGuest, textOf, withAgent, type Conversations } from './inspect-guest.ts'
import { LinkLost } from './line-socket.ts'

const OUTPUT_BYTES = 1024 * 1024
/** So many characters of base64 are whole groups, and no less than the bytes that are kept. */
const OUTPUT_CHARACTERS = Math.ceil(OUTPUT_BYTES / 3) * 4
const FIRST_POLL_MS = 20
const LAST_POLL_MS = 1_000
const ENDING_MS = 2_000

const startedSchema = z.looseObject({ pid: z.int() })
const statusSchema = z.looseObject({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  'out-data': z.string().optional(),
  'err-data': z.string().optional(),
})

/** See `VmDriver.runInGuest`. The agent is free for everybody else while the program runs. */
export async function runInGuest(
  record: BootRecord,
  program: GuestProgram,
  tools: Conversations,
): Promise<GuestProgramResult> {
  program.signal.throwIfAborted()
  const process = await findGuest(record)
  if (process === undefined) throw gone('There is no process of this boot.')
  using deadline = new TimeLimit(tools.clock, program.deadlineMs)
  const signal = AbortSignal.any([program.signal, deadline.signal])
  try {
    return await run({ record, program, tools, signal })
  } catch (error) {
    program.signal.throwIfAborted()
    // Its sockets are closed before its process is gone.
    if (error instanceof LinkLost) await waitUntilGone(process, { timeoutMs: ENDING_MS })
    if (!(error instanceof AgentRefusal)) await rejectIfGone(record, tools)
    throw describe(error, { program, isLate: deadline.isOver })
  }
}

interface Run {
  readonly record: BootRecord
  readonly program: GuestProgram
  readonly tools: Conversations
  readonly signal: AbortSignal
}

async function run({ record, program, tools, signal }: Run): Promise<GuestProgramResult> {
  const ask = async (command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const bounds = { signal, cutStringsAt: OUTPUT_CHARACTERS }
    return await withAgent(record, { ...tools, ...bounds }, (agent: AgentClient) => agent.execute(command, args))
  }
  const { file: path, args: arg } = program
  const { pid } = startedSchema.parse(await ask('guest-exec', { path, arg, 'capture-output': true }))
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 1.5, LAST_POLL_MS)) {
    const status = statusSchema.parse(await ask('guest-exec-status', { pid }))
    if (status.exited) return resultOf(status)
    await tools.clock.sleep(pauseMs, signal)
  }
}

function resultOf(status: z.infer<typeof statusSchema>): GuestProgramResult {
  const bytes = (text = ''): Buffer => Buffer.from(text, 'base64').subarray(0, OUTPUT_BYTES)
  return { exitCode: status.exitcode ?? null, stdout: bytes(status['out-data']), stderr: bytes(status['err-data']) }
}

async function rejectIfGone(record: BootRecord, tools: Conversations): Promise<void> {
  const evidence = await inspectGuest(record, tools)
  if (evidence.kind === 'gone') throw gone(evidence.detail)
}

function gone(detail: string): PilothouseError {
  return new PilothouseError('guest_gone', `The guest is gone. ${detail}`)
}

interface Circumstances {
  readonly program: GuestProgram
  readonly isLate: boolean
}

function describe(error: unknown, { program, isLate }: Circumstances): PilothouseError {
  const { file, deadlineMs } = program
  const name = JSON.stringify(file)
  if (error instanceof AgentRefusal)
    return new PilothouseError('engine_failed', `${name} could not be run in the guest: ${error.message}`, {
      hint: 'Use an image whose agent may run programs (guest-exec).',
      cause: error,
    })
  if (isLate)
    return new PilothouseError('deadline_exceeded', `${name} did not end within ${deadlineMs} ms in the guest.`, {
      hint: 'It may still be running in the guest.',
      cause: error,
    })
  const why = error instanceof z.ZodError ? 'its agent gave no proper answer.' : textOf(error)
  const says = `What became of ${name} in the guest could not be found out: ${why}`
  return new PilothouseError('engine_failed', says, { cause: error })
}
