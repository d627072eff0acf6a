import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { UNSCHEDULED } from '../support/made-points.ts'

const BACKUPS = 50

describe('fifty backups at once', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const command = () => ({ commandId: newCommandId(), environment: 'web' })
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 10_000 })
  const environment = async () => (await admin().environments.list()).environments[0]

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: { recovery: UNSCHEDULED } })
    await ended(await admin().environments.spawn(spawnInput('web')))
  })
  afterEach(() => host.remove())

  const { start, stop, reboot } = {
    start: async () => admin().environments.start(command()),
    stop: async () => admin().environments.stop(command()),
    reboot: async () => admin().environments.reboot(command()),
  }
  /** Planned before the race, so that the confirmation itself is in it. */
  const ticketed = (kind: 'reset' | 'destroy') => async () => {
    const { ticket } = await admin().environments[kind].plan({ environment: 'web' })
    return () => admin().environments[kind].run({ ...command(), ticket: ticket.id, confirmName: 'web' })
  }
  const RIVALS: Readonly<Record<string, () => Promise<() => Promise<Operation>>>> = {
    start: async () => {
      await ended(await stop())
      return start
    },
    stop: () => Promise.resolve(stop),
    reboot: () => Promise.resolve(reboot),
    reset: ticketed('reset'),
    destroy: ticketed('destroy'),
  }
  const STATES: Readonly<Record<string, string | undefined>> = { stop: 'stopped', destroy: undefined }

  describe.each(Object.keys(RIVALS))('against one %s', (kind) => {
    it.each([0, 25, 50])('let it win, asked for as number %i, and leave a record that is true', async (at) => {
      host.repositories.delayMs.backUp = 10
      const rival = await RIVALS[kind]!()
      const asked = Array.from({ length: BACKUPS + 1 }, (_unused, index) =>
        index === at ? rival() : admin().backups.now(command()),
      )
      const settled = await Promise.allSettled(asked)
      const accepted = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      const done = await Promise.all(accepted.map(ended))
      expect(done.find((each) => each.kind === kind)?.status.kind).toBe('succeeded')

      const backups = done.filter((each) => each.kind === 'backup')
      for (const { status } of backups) expect(['succeeded', 'cancelled']).toContain(status.kind)
      const made = backups.filter(({ status }) => status.kind === 'succeeded')
      const id = done[0]!.environmentId
      const points = await admin().backups.points({ environment: id })
      expect(points.map(({ operationId }) => operationId).sort()).toEqual(made.map((each) => each.id).sort())

      expect(host.machine.views.ids()).toEqual([])
      expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
      const left = await environment()
      const expected = kind in STATES ? STATES[kind] : 'running'
      expect([left?.observed.kind, left?.operationId ?? null]).toEqual([expected, null])
      expect(host.machine.guests.ids()).toHaveLength(expected === 'running' ? 1 : 0)
    })
  })
})
