import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { createStore } from '../../host-daemon/store/store.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import { startupSchema, type Startup } from '../../src-shared/model/startup.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

const SECRET = 'hunter2-of-all-secrets'
const STARTUP = {
  command: `serve --token ${SECRET}`,
  variables: { TOKEN: SECRET, EMPTY: '' },
  files: [{ path: 'etc/app.conf', content: `key = ${SECRET}\n` }],
}

describe('what a guest is told at its start', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const wait = (id: string) => client().operations.wait({ id, timeoutMs: 5_000 })
  const spawn = (startup: object) => client().environments.spawn({ ...spawnInput('web'), startup: startup })
  const get = () => client().environments.get({ environment: 'web' })
  const toldNow = async () => host.machine.guests.get((await get()).boot?.id ?? '')?.startup

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
  })
  afterEach(() => host.remove())

  it('reaches it whole at every start, and is known to others by its names alone', async () => {
    await wait((await spawn(STARTUP)).id)
    expect(await toldNow()).toEqual(startupSchema.parse(STARTUP))
    expect((await get()).startup).toEqual({
      hasCommand: true,
      variables: ['EMPTY', 'TOKEN'],
      files: [{ path: 'etc/app.conf', bytes: Buffer.byteLength(`key = ${SECRET}\n`), isExecutable: false }],
    })
    await wait((await client().environments.stop({ commandId: newCommandId(), environment: 'web' })).id)
    host = await host.restart()
    await wait((await client().environments.start({ commandId: newCommandId(), environment: 'web' })).id)
    expect(await toldNow()).toEqual(startupSchema.parse(STARTUP))
  })

  it('is nothing where nothing was said', async () => {
    await wait((await client().environments.spawn(spawnInput('web'))).id)
    expect(await toldNow()).toBeNull()
    expect((await get()).startup).toBeNull()
  })

  it('is not in an answer, an event, the record, the log or a file beside the database', async () => {
    const events = await client().events({})
    const heard: unknown[] = []
    const listening = (async () => {
      for await (const event of events) heard.push(event)
    })().catch(() => undefined)
    const input = { ...spawnInput('web'), startup: STARTUP }
    const accepted = await client().environments.spawn(input)
    const ended = await wait(accepted.id)
    await refusalOf(client().environments.spawn({ ...input, name: 'other' }))
    await refusalOf(client().environments.spawn({ ...input, commandId: newCommandId() }))
    const { plan } = await host.as('admin').environments.destroy.plan({ environment: 'web' })
    await client().environments.rename({ environment: 'web', name: 'shop' })
    const said = [
      ...[accepted, ended, plan, await client().environments.list()],
      ...[await client().operations.list({ limit: 100 }), await client().operations.steps({ id: accepted.id })],
      ...[host.activity(), host.logger, heard],
    ]
    expect(heard.length).toBeGreaterThan(0)
    for (const one of said) expect(JSON.stringify(one)).not.toContain(SECRET)
    await events.return(undefined)
    await listening
    const files = (await readdir(host.folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
    const others = files.filter(({ name }) => !name.startsWith('pilothoused.db'))
    for (const { parentPath, name } of others)
      expect((await readFile(join(parentPath, name))).includes(SECRET), name).toBe(false)
  })

  it('is forgotten with the environment', async () => {
    await wait((await spawn(STARTUP)).id)
    const { id } = await get()
    expect(keptOf(host, id)).toEqual(startupSchema.parse(STARTUP))
    const { ticket } = await host.as('admin').environments.destroy.plan({ environment: 'web' })
    const run = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    await wait((await host.as('admin').environments.destroy.run(run)).id)
    expect(keptOf(host, id)).toBeNull()
  })

  const bounded = (count: number, make: (index: number) => [string, string]) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => make(index)))
  const filesOf = (...paths: string[]) => paths.map((path) => ({ path, content: 'x' }))

  it.each<[string, object, string]>([
    ['an absolute path', { files: filesOf('/etc/passwd') }, 'startup.files.0.path: must be a relative path'],
    ['a path upwards', { files: filesOf('a/../../etc') }, 'startup.files.0.path: must be a relative path'],
    ['a hidden path', { files: filesOf('.ssh/key') }, 'startup.files.0.path: must be a relative path'],
    ['a path with a newline', { files: filesOf('a\nb') }, 'startup.files.0.path: must be a relative path'],
    ['a path twice', { files: filesOf('a', 'a') }, 'startup.files: must have distinct paths'],
    ['a path below a file', { files: filesOf('a', 'a/b') }, 'startup.files: must have distinct paths'],
    [
      '33 files',
      { files: filesOf(...Array.from({ length: 33 }, (_, at) => `f${at}`)) },
      'startup.files: must be at most 32',
    ],
    [
      'a large file',
      { files: [{ path: 'a', content: 'x'.repeat(300_000) }] },
      'startup.files.0.content: must be at most',
    ],
    ['much in all', { files: filesOf('a', 'b', 'c').map((f) => ({ ...f, content: 'x'.repeat(200_000) })) }, 'in all'],
    ['a variable that is no name', { variables: { 'A B': 'x' } }, 'startup.variables'],
    ['NUL in a value', { variables: { A: 'x\0y' } }, 'startup.variables.A: must not contain NUL'],
    ['129 variables', { variables: bounded(129, (at) => [`V${at}`, '']) }, 'startup.variables: must be at most 128'],
    ['an empty command', { command: '' }, 'startup.command: must not be empty'],
    ['half a character', { command: 'echo \ud800' }, 'startup.command: must be well-formed text'],
  ])('is refused with %s, named and never echoed, and nothing is made', async (_what, startup, says) => {
    const before = host.activity()
    const refused = await refusalOf(spawn(startup))
    expect(refused.code).toBe('invalid_request')
    expect(refused.message).toContain(says)
    expect(refused.message.length).toBeLessThan(2_000)
    expect((await client().environments.list()).environments).toEqual([])
    expect(host.activity()).toEqual(before)
  })
})

/** What the database holds of it. */
function keptOf({ folder }: FakeDriverDaemon, id: EnvironmentId): Startup | null {
  const db = openDatabase(join(folder, 'pilothoused.db'), { clock: new SystemClock() })
  try {
    return createStore(db).environments.startupOf(id)
  } finally {
    db.dispose()
  }
}
