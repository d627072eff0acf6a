import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callsOf } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { roleIncludes, type Role } from '../../src-shared/model/role.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

type AnyCall = (input: unknown) => Promise<unknown>

describe('the rules of every call', () => {
  let host: FakeDriverDaemon
  beforeEach(async () => {
    host = await startFakeDriverDaemon({
      options: {
        sizeLimit: { cpus: 2, memoryMiB: 1024, homeMiB: 2048 },
        capacity: { environments: 3, memoryMiB: 1500, homeMiB: null },
      },
    })
  })
  afterEach(() => host.remove())

  const callAt = (role: Role, path: readonly string[]): AnyCall => {
    let node: unknown = host.as(role)
    for (const key of path) node = (node as Record<string, unknown>)[key]
    return node as AnyCall
  }

  it.each(callsOf(daemonContract).filter(({ meta }) => meta.role !== 'viewer'))(
    'refuses $path to whoever lacks the role, before the input is looked at',
    async ({ path, meta }) => {
      for (const role of ['viewer', 'operator'] as const) {
        if (roleIncludes(role, meta.role)) continue
        const refused = await refusalOf(callAt(role, path)({ nonsense: true }))
        expect(refused).toMatchObject({ code: 'forbidden', details: { needed: meta.role, held: role } })
        expect(refused.message).toContain(meta.role)
      }
    },
  )

  it('names each field that is wrong and why, and never its value', async () => {
    const refused = await refusalOf(
      callAt('operator', ['environments', 'spawn'])({ ...spawnInput(), name: 'Secret_Name', size: { cpus: 99 } }),
    )
    expect(refused.code).toBe('invalid_request')
    expect(refused.message).toContain('name: must be 1–63 lower-case letters')
    expect(refused.message).toContain('size.cpus: must be a whole number from 1 to 16')
    expect(refused.message).not.toContain('Secret_Name')
    expect(refused.requestId).toMatch(/^req-/)
  })

  it('refuses what is larger than the host takes, and what the host has no room for, before anything is made', async () => {
    const spawn = (size?: object) =>
      host.as('operator').environments.spawn({ ...spawnInput(), ...(size ? { size } : {}) })
    const tooLarge = await refusalOf(spawn({ memoryMiB: 2048 }))
    expect(tooLarge).toMatchObject({ code: 'host_limit_reached', details: { field: 'memoryMiB', limit: 1024 } })
    await spawn({ memoryMiB: 1024 })
    expect(await refusalOf(spawn())).toMatchObject({ details: { field: 'memoryMiB', used: 1024, limit: 1500 } })
    await spawn({ memoryMiB: 128 })
    await spawn({ memoryMiB: 128 })
    expect(await refusalOf(spawn({ memoryMiB: 128 }))).toMatchObject({ details: { field: 'environments', limit: 3 } })
    expect((await host.as('viewer').environments.list()).environments).toHaveLength(3)
  })

  it('keeps owners, and refuses limits with a message that is true of the value', async () => {
    const { owners } = host.as('admin')
    expect(await owners.put({ name: 'team', note: 'the team' })).toEqual({
      name: 'team',
      note: 'the team',
      isActive: true,
      limit: 1,
      environmentCount: 0,
    })
    expect(await owners.put({ name: 'team', limit: 'unlimited' })).toMatchObject({
      note: 'the team',
      limit: 'unlimited',
    })
    for (const limit of [0, -1, 1.5, 'many']) {
      const refused = await refusalOf(callAt('admin', ['owners', 'put'])({ name: 'team', limit }))
      expect(refused.message).toMatch(/limit: must be a whole number .*, or "unlimited"/)
    }
    expect((await owners.list()).map(({ name }) => name)).toEqual(['local', 'team'])
  })

  it('greets with what it is, and refuses another protocol', async () => {
    const { hello } = host.as('viewer')
    expect(await hello()).toMatchObject({
      hostName: 'test-host',
      role: 'viewer',
      user: 'op',
      drivers: [{ kind: 'fake' }],
    })
    expect(await refusalOf(hello({ protocol: 99 }))).toMatchObject({
      code: 'protocol_mismatch',
      details: { daemonProtocol: 1 },
    })
  })

  it('answers not_found for what does not exist', async () => {
    const { environments, operations } = host.as('operator')
    expect((await refusalOf(environments.get({ environment: 'nobody' }))).code).toBe('not_found')
    expect((await refusalOf(operations.get({ id: 'op-0000000000000000' }))).code).toBe('not_found')
    const gone = environments.stop({ commandId: newCommandId(), environment: 'env-00000000' })
    expect((await refusalOf(gone)).code).toBe('not_found')
  })
})
