import type { RandomSource } from '../../../src-shared/lib/clock.ts'
import { commandIdSchema, requestIdSchema, type CommandId, type RequestId } from '../../../src-shared/model/ids.ts'

/** One per invocation: the command line is the click. */
export function mintRequestId(random: RandomSource): RequestId {
  return requestIdSchema.parse(`req-${random.hex(8)}`)
}

/** One per mutating command. */
export function mintCommandId(random: RandomSource): CommandId {
  return commandIdSchema.parse(`cmd-${random.hex(16)}`)
}
