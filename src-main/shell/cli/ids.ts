import type { RandomSource } from '../../../src-shared/lib/clock.ts'
import { commandIdSchema, type CommandId } from '../../../src-shared/model/ids.ts'

/** One per mutating command. */
export function mintCommandId(random: RandomSource): CommandId {
  return commandIdSchema.parse(`cmd-${random.hex(16)}`)
}
