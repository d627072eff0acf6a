import { z } from 'zod'

/** Milliseconds since the epoch, on the clock of the machine that observed it. */
export const timestampSchema = z.number().int().nonnegative()
