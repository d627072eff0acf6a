import type { CallContext } from '../../../src-shared/contract/client.ts'
import { DisposableStore } from '../../../src-shared/lib/disposable.ts'
import type { RequestId } from '../../../src-shared/model/ids.ts'
import { Output } from './output.ts'
import type { CliDeps, DaemonSession, DaemonTarget, HostRoster } from './ports.ts'
import { targetOf, type TargetOptions } from './target.ts'

export interface GlobalOptions extends TargetOptions {
  readonly json?: boolean
}

/** One run of the program: one request id, at most one target, everything released at its end. */
export class Invocation {
  readonly deps: CliDeps
  readonly output: Output
  readonly requestId: RequestId
  /** When it began: elapsed times count from here. */
  readonly startedAt: number
  private readonly options: GlobalOptions
  private readonly disposables = new DisposableStore()

  constructor(deps: CliDeps, requestId: RequestId, options: GlobalOptions) {
    this.deps = deps
    this.options = options
    this.output = new Output(deps.io, options.json === true)
    this.requestId = requestId
    this.startedAt = deps.clock.now()
  }

  /** What goes with every call of this run. */
  get callOptions(): { context: CallContext; signal: AbortSignal } {
    return {
      context: { requestId: this.requestId, claimedActor: this.deps.claimedActor },
      signal: this.deps.signal,
    }
  }

  get hasTargetOption(): boolean {
    return this.options.host !== undefined || this.options.socket !== undefined
  }

  /** Throws a usage error when it is not said. */
  target(): DaemonTarget {
    return targetOf(this.options, this.deps.env, () => this.hostRoster())
  }

  hostRoster(): HostRoster {
    return this.deps.openHostRoster()
  }

  /** A new connection to the target, closed with the run. */
  async connect(): Promise<DaemonSession> {
    return this.disposables.add(await this.deps.openSession(this.target(), this.deps.signal))
  }

  dispose(): void {
    this.disposables.dispose()
  }
}

/** A command, once its words are parsed. */
export type Task = (invocation: Invocation) => Promise<void>
