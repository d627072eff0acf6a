import type { Command } from 'commander'
import type { Task } from '../invocation.ts'

/** Runs a command's task; the reference is generated with one that does nothing. */
export type Perform = (command: Command, task: Task) => Promise<void>

/** Where a command is hung, and how it is run. */
export interface Place {
  readonly program: Command
  readonly perform: Perform
}
