import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Who a process is. A pid alone is reused and never evidence. */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: clock ticks since the host booted. */
  readonly startTicks: string
}

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'

const POLL_MS = 5
/** Fields of proc(5) counted from the state letter, its field 3. */
const THREADS_FIELD = 17
const START_TICKS_FIELD = 19
/** What the kernel counts in for user space, whatever its own tick is. */
const MS_PER_TICK = 10

/**
 * The living process of that pid now, or undefined. A zombie has ended and is nobody, unless threads of it go on
 * and hold its files. Throws when /proc cannot say.
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readProcFile(pid, 'stat')
  if (stat === undefined) return undefined
  // The command's name may hold spaces and parentheses; only what follows the last one is fields.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  const startTicks = fields[START_TICKS_FIELD]
  const hasEnded = (state === 'Z' || state === 'X') && Number(fields[THREADS_FIELD]) <= 1
  if (startTicks === undefined || hasEnded) return undefined
  return { pid, startTicks }
}

/** Whether that very process (not another one with its pid) still lives. */
export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(process.pid)
  return now?.startTicks === process.startTicks
}

/** True once it is positively gone, false when it still lived after `timeoutMs`. */
export async function waitUntilGone(process: ProcessIdentity, options: WaitOptions): Promise<boolean> {
  const deadline = performance.now() + options.timeoutMs
  while (await isAlive(process)) {
    if (performance.now() >= deadline) return false
    await pause(POLL_MS, options.signal)
  }
  return true
}

/** Signals that very process. `gone` when it has ended, even if its pid lives on as another's. */
export async function signalProcess(target: ProcessIdentity, signal: SignalName): Promise<'sent' | 'gone'> {
  if (!(await isAlive(target))) return 'gone'
  try {
    process.kill(target.pid, signal)
    return 'sent'
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return 'gone'
    throw error
  }
}

/** The arguments a living process was started with, or undefined when it is gone. */
export async function processArguments(pid: number): Promise<readonly string[] | undefined> {
  const text = await readProcFile(pid, 'cmdline')
  return text?.split('\0').slice(0, -1)
}

/**
 * Bytes that a living process has read and written so far by any system call, sockets and pipes included; undefined
 * when it is gone. It says how far a copy is where the copier itself does not.
 */
export async function processTransfer(pid: number): Promise<{ readBytes: number; writtenBytes: number } | undefined> {
  const text = await readProcFile(pid, 'io')
  if (text === undefined) return undefined
  const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  return { readBytes: field('rchar'), writtenBytes: field('wchar') }
}

/** How long ago that process started; undefined when it is gone. Exact to about 10 ms. */
export async function processAgeMs(pid: number): Promise<number | undefined> {
  const identity = await identifyProcess(pid)
  if (identity === undefined) return undefined
  const uptimeMs = Number((await readFile('/proc/uptime', 'latin1')).split(' ')[0]) * 1000
  return uptimeMs - Number(identity.startTicks) * MS_PER_TICK
}

async function readProcFile(pid: number, name: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${String(pid)}/${name}`, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error))) return undefined
    throw error
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  await delay(ms)
  signal?.throwIfAborted()
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
