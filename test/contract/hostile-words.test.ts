import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { newCommandId, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { answerAsTold, endOf, makePoint } from '../support/point-bench.ts'
import { waitFor } from '../support/wait-for.ts'

/** 1.4 million characters, as much as the agent's channel lets through, with what would act on whoever reads it. */
const SAID = 'no \u001b[2J\u202e and no\n'.repeat(90_000)
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
/** A record of one operation, or of one environment, in characters of JSON. */
const MOST = 40_000

describe('words of a hostile guest', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const isHarmless = (answer: unknown) => {
    const text = JSON.stringify(answer, (_, value: unknown) => {
      if (typeof value === 'string') expect(value).not.toMatch(HIDDEN)
      return value
    })
    expect(text.length).toBeLessThan(MOST)
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: { observeIntervalMs: 50, letGoMs: 50 } })
    host.driver.onProgram = answerAsTold
    await makePoint(host)
  })
  afterEach(() => host.remove())

  it('stay small and harmless in whatever a drill of it leaves on record', async () => {
    host.driver.onProgram = () => {
      throw new PilothouseError('engine_failed', `"/bin/sh" could not be run in the guest: ${SAID}`)
    }
    const input = { commandId: newCommandId(), environment: 'web', point: 'latest' }
    const { id } = await endOf(host, await admin().drill(input))
    const operation = await admin().operations.get({ id })
    expect(operation.status).toMatchObject({ kind: 'failed', failure: { code: 'drill_failed' } })
    expect(operation.result).toMatchObject({ kind: 'drill', isPassed: false })
    const db = openDatabase(join(host.folder, 'pilothoused.db'), { clock: new SystemClock() })
    const stored = db.get<{ result: string; failure: string }>('SELECT * FROM operations WHERE id = @id', { id })
    db.dispose()
    expect(stored?.result).toContain('u{202e}')
    const { rows } = await admin().backups.status({ environment: 'web' })
    expect(rows[0]?.lastDrill?.isPassed).toBe(false)
    const { entries } = await admin().activity.list({ operation: id })
    const steps = await admin().operations.steps({ id })
    for (const answer of [operation, stored, rows, entries, steps]) isHarmless(answer)
  })

  it('stay so in the state of an environment whose engine said them', async () => {
    host.driver.failNext('startGuest', new DriverFailure('hypervisor_failed', `QEMU ended at once: ${SAID}`))
    const { id } = await admin().environments.reboot({ commandId: newCommandId(), environment: 'web' })
    await endOf(host, { id })
    const stateOf = async () => (await admin().environments.get({ environment: 'web' })).observed
    await waitFor('the failure', async () => (await stateOf()).kind !== 'booting')
    const [environment, operation] = [await stateOf(), await admin().operations.get({ id })]
    expect(operation.status.kind).toBe('failed')
    const { entries } = await admin().activity.list({ operation: id })
    for (const answer of [environment, operation, entries]) isHarmless(answer)
  })
})
