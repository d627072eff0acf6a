import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { randomInt } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startFakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { deedArbitrary, type Deed } from './lifecycle-model/deeds.ts'
import { LifecycleWorld } from './lifecycle-model/world.ts'

/** For a night's run: `npm run faults -- lifecycle-model --sequences 200000`. */
const SEQUENCES = Number(process.env['PILOTHOUSE_FAULT_SEQUENCES'] ?? 2_000)
const SEED = Number(process.env['PILOTHOUSE_FAULT_SEED'] ?? randomInt(2 ** 31))
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

describe('the lifecycle and its tickets', () => {
  let world: LifecycleWorld
  beforeAll(async () => {
    const folder = await mkdtemp(join(FOLDER, 'ph-model-'))
    world = new LifecycleWorld(await startFakeDriverDaemon({ folder, options: { observeIntervalMs: 5 } }))
  })
  afterAll(() => world.remove())

  it('do what their model does, whatever is asked in whatever order', { timeout: 24 * 3_600_000 }, async () => {
    console.log(`seed ${SEED}, ${SEQUENCES} sequences`)
    const sequence = fc.array(deedArbitrary, { minLength: 4, maxLength: 16 })
    const property = fc.asyncProperty(sequence, (deeds: readonly Deed[]) => world.liveThrough(deeds))
    await fc.assert(property, { numRuns: SEQUENCES, seed: SEED, interruptAfterTimeLimit: 23 * 3_600_000 })
  })
})
