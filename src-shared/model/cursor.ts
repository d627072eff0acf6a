import { z } from 'zod'

/** A place in the daemon's event order. `epoch` is new at each daemon start; `seq` rises by one per event. */
export const cursorSchema = z.object({ epoch: z.string().max(64), seq: z.int().min(0) })
export type Cursor = z.infer<typeof cursorSchema>
