import { spawn, type ChildProcess } from 'node:child_process'
import { open } from 'node:fs/promises'
import { childOptions } from './child-options.ts'
import { ProgramFailure } from './program-failure.ts'

export interface DetachedRequest {
  readonly file: string
  readonly args: readonly string[]
  /** Where stdout and stderr are appended; nowhere unless told. */
  readonly outputPath?: string
  readonly workingDirectory?: string
}

export interface DetachedProcess {
  readonly pid: number
  /** Resolves when it ends while this daemon lives; does not keep the daemon alive. Never rejects. */
  readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>
}

/**
 * Starts a program in a session of its own, without a terminal or pipes, that outlives the daemon.
 * Resolves once the kernel runs it (or its launcher), which says nothing of its health.
 */
export async function startDetached(request: DetachedRequest): Promise<DetachedProcess> {
  const output = request.outputPath === undefined ? undefined : await open(request.outputPath, 'a', 0o600)
  try {
    const stream = output?.fd ?? 'ignore'
    const child = spawn(request.file, request.args, {
      ...childOptions(request),
      detached: true,
      stdio: ['ignore', stream, stream],
    })
    const exited = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) =>
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal })),
    )
    const pid = await started(child, request.file)
    child.unref()
    return { pid, exited }
  } finally {
    await output?.close()
  }
}

function started(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new ProgramFailure('not_started', { file, says: `could not be started (${cause.message})`, cause })),
    )
    child.once('spawn', () => resolve(child.pid ?? 0))
  })
}
