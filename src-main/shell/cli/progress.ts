import type { Disposable } from '../../../src-shared/lib/disposable.ts'
import { PHASE_SENTENCES } from '../../../src-shared/model/environment.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import type { Invocation } from './invocation.ts'
import type { DaemonSession } from './ports.ts'
import { progressWords } from './render/operation.ts'
import { printable } from './render/text.ts'

const REDRAW_MS = 100
const CLEAR_LINE = '\r\u001b[K'
const NOTHING: Disposable = { dispose: () => undefined }

/**
 * Draws phase, elapsed time and attempt on one line of the terminal, and takes it away at the end. Only for a
 * person at stderr. Outcomes never depend on it: a subscription that fails only stops the drawing.
 */
export function showProgress(accepted: Operation, session: DaemonSession, invocation: Invocation): Disposable {
  if (!invocation.output.hasProgress) return NOTHING
  const stop = new AbortController()
  const drawn = { operation: accepted }
  void follow(drawn, session, { invocation, signal: stop.signal })
  void redraw(drawn, { invocation, signal: stop.signal })
  return {
    dispose: () => {
      stop.abort()
      invocation.deps.io.stderr.write(CLEAR_LINE)
    },
  }
}

interface Drawing {
  readonly invocation: Invocation
  readonly signal: AbortSignal
}

async function follow(
  drawn: { operation: Operation },
  session: DaemonSession,
  { invocation, signal }: Drawing,
): Promise<void> {
  try {
    const events = await session.client.events({}, { ...invocation.callOptions, signal })
    for await (const event of events) {
      if (signal.aborted) return
      const seen =
        event.type === 'snapshot' ? event.operations : event.type === 'operation_changed' ? [event.operation] : []
      drawn.operation = seen.find(({ id }) => id === drawn.operation.id) ?? drawn.operation
    }
  } catch {
    // The outcome is asked for separately; without events only the phase on screen stays behind.
  }
}

async function redraw(drawn: { operation: Operation }, { invocation, signal }: Drawing): Promise<void> {
  const { clock, io } = invocation.deps
  while (!signal.aborted) {
    io.stderr.write(CLEAR_LINE + progressLine(drawn.operation, clock.now() - invocation.startedAt))
    await clock.sleep(REDRAW_MS, signal).catch(() => undefined)
  }
}

/** Elapsed time since the command began, the operation, its phase or step, how far that is, and its attempt. */
export function progressLine(operation: Operation, elapsedMs: number): string {
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s`
  const doing = operation.phase === null ? operation.step : `${operation.phase}: ${PHASE_SENTENCES[operation.phase]}`
  const far = operation.progress === null ? '' : `  ${progressWords(operation.progress)}`
  const attempt = operation.attempt === null ? '' : `  attempt ${operation.attempt}`
  return printable(`${seconds.padStart(7)}  ${operation.kind} ${operation.environmentName}  ${doing}${far}${attempt}`)
}
