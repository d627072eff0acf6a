import type { OperationDefinition } from '../operations/step.ts'
import { destroyOperation, stopOperation } from './end-operations.ts'
import { recoverOperations } from './recover-operations.ts'
import { resetOperation } from './reset-operation.ts'
import { resizeOperation } from './resize-operation.ts'
import { startOperations, type StartOptions } from './start-operations.ts'
import type { Toolkit } from './toolkit.ts'

/** Every operation on environments: its steps, in their order. */
export function environmentOperations(toolkit: Toolkit, options: StartOptions): OperationDefinition[] {
  return [
    ...startOperations(toolkit, options),
    stopOperation(toolkit),
    ...recoverOperations(toolkit, options),
    resetOperation(toolkit, options),
    resizeOperation(toolkit),
    destroyOperation(toolkit),
  ]
}
