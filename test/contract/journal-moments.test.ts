import { rm } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { copyOfMoment, momentsOf, type JournalMoment } from '../support/journal-moments.ts'
import { waitFor } from '../support/wait-for.ts'

const KINDS = ['spawn', 'start', 'stop', 'reboot', 'recover', 'reset', 'destroy'] as const
type Kind = (typeof KINDS)[number]
const WAYS = ['succeeds', 'fails', 'is cancelled'] as const
type Way = (typeof WAYS)[number]

const LASTING: readonly string[] = ['running', 'stopped', 'failed', 'lost']
const QUIET = { observeIntervalMs: 50, letGoMs: 50 }

describe('a daemon killed at a moment of its journal', () => {
  const folders: string[] = []
  afterEach(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
  })

  const cells = KINDS.flatMap((kind) => WAYS.filter((way) => isPossible(kind, way)).map((way) => ({ kind, way })))
  it.each(cells)(
    'ends a $kind that $way, with one whole home and no claim',
    async ({ kind, way }) => {
      const host = await startFakeDriverDaemon({ options: QUIET })
      try {
        if (kind !== 'spawn') await prepare(host, kind)
        const moments = await momentsOf(host, () => perform(host, { kind, way }))
        const copies = moments.map(copyOfMoment)
        folders.push(...[...moments, ...copies].map(({ folder }) => folder))
        expect(moments.length).toBeGreaterThan(1)
        await host.stop()
        for (const moment of moments) await expectSettled({ ...moment, kind, isGuestKilled: false })
        for (const moment of copies) await expectSettled({ ...moment, kind, isGuestKilled: true })
      } finally {
        await host.remove()
      }
    },
    60_000,
  )
})

/** A stop and a destroy only go forward. */
function isPossible(kind: Kind, way: Way): boolean {
  return way === 'succeeds' || (kind !== 'stop' && kind !== 'destroy')
}

async function prepare(host: FakeDriverDaemon, kind: Kind): Promise<void> {
  await ended(host, await host.as('admin').environments.spawn(spawnInput('web')))
  if (kind !== 'start') return
  await ended(host, await host.as('admin').environments.stop({ commandId: newCommandId(), environment: 'web' }))
}

function ended(host: FakeDriverDaemon, { id }: { readonly id: string }): Promise<Operation> {
  return host.as('admin').operations.wait({ id, timeoutMs: 5_000 })
}

async function perform(host: FakeDriverDaemon, { kind, way }: { kind: Kind; way: Way }): Promise<void> {
  if (way === 'fails') {
    for (let times = 0; times < 2; times += 1) host.driver.failNext('ready', new DriverFailure('guest_exited', 'So.'))
  }
  const release = way === 'is cancelled' ? host.driver.hold('ready') : () => undefined
  const operation = await submit(host, kind)
  if (way === 'is cancelled') {
    const { operations } = host.as('admin')
    while ((await operations.get({ id: operation.id })).step !== 'await_ready') await new Promise(setImmediate)
    await operations.cancel({ id: operation.id })
  }
  const { status } = await ended(host, operation)
  release()
  expect(status.kind).toBe({ succeeds: 'succeeded', fails: 'failed', 'is cancelled': 'cancelled' }[way])
}

async function submit(host: FakeDriverDaemon, kind: Kind): Promise<Operation> {
  const { environments } = host.as('admin')
  const command = { commandId: newCommandId(), environment: 'web' }
  if (kind === 'spawn') return environments.spawn(spawnInput('web'))
  if (kind !== 'reset' && kind !== 'destroy') return environments[kind](command)
  const { ticket } = await environments[kind].plan({ environment: 'web' })
  return environments[kind].run({ ...command, ticket: ticket.id, confirmName: 'web' })
}

interface Left extends JournalMoment {
  readonly kind: Kind
  readonly isGuestKilled: boolean
}

/** The next daemon ends what it finds: no claim is held, and what is left is what the record points at. */
async function expectSettled({ folder, machine, at, kind, isGuestKilled }: Left): Promise<void> {
  if (isGuestKilled) for (const id of machine.guests.ids()) machine.kill(id)
  const host = await startFakeDriverDaemon({ folder, machine, options: QUIET })
  const about = `${kind} at "${at}"${isGuestKilled ? ', its guest killed too' : ''}`
  try {
    const { operations, environments } = host.as('admin')
    for (const { id } of await operations.list({ isRunning: true })) {
      expect((await ended(host, { id })).status.kind, about).not.toBe('running')
    }
    const all = await waitFor(`${about}: a state that lasts`, async () => {
      const now = (await environments.list()).environments
      return now.every(({ observed }) => LASTING.includes(observed.kind)) ? now : undefined
    })
    expect(
      all.filter(({ operationId }) => operationId !== null),
      about,
    ).toEqual([])
    expect(machine.homes.ids(), about).toEqual(
      all.filter(({ home }) => home.madeAt !== null).map(({ home }) => home.id),
    )
    expect(machine.mostGuestsPerHome, about).toBeLessThanOrEqual(1)
    const alive = machine.guests.ids().map((id) => machine.guests.get(id)?.homeId)
    expect(
      alive.filter((home) => !machine.homes.ids().includes(home ?? '')),
      about,
    ).toEqual([])
    const isRunning = all.some(({ observed }) => observed.kind === 'running')
    expect(alive, about).toHaveLength(isRunning ? 1 : 0)
    expect(host.logger.errors(), about).toEqual([])
  } finally {
    await host.stop()
  }
}
