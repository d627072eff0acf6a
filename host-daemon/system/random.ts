import { randomBytes, randomInt } from 'node:crypto'
import type { RandomSource } from '../../src-shared/lib/clock.ts'

const FRACTION_STEPS = 2 ** 32

/** Unpredictable bytes from the operating system. */
export class SystemRandom implements RandomSource {
  hex(bytes: number): string {
    return randomBytes(bytes).toString('hex')
  }

  fraction(): number {
    return randomInt(FRACTION_STEPS) / FRACTION_STEPS
  }
}
