import type { CommandId, EnvironmentRef, TicketId } from '../../src-shared/model/ids.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { HostCapacity } from '../store/environments-table.ts'
import type { Tickets } from './tickets.ts'
import type { Toolkit } from './toolkit.ts'

/** What plans and their runs are made with. */
export interface DangerousDeps {
  readonly toolkit: Toolkit
  readonly engine: OperationEngine
  readonly tickets: Tickets
  readonly hostName: string
  readonly capacity: HostCapacity
}

/** The run of a plan. */
export interface DangerousInput {
  readonly commandId: CommandId
  readonly environment: EnvironmentRef
  readonly ticket?: TicketId | undefined
  /** The environment's name as typed, where the plan asks for it. */
  readonly confirmName?: string | undefined
  readonly reason?: string | undefined
}
