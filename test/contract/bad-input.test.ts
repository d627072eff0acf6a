import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import type { Failure } from '../../src-shared/error.ts'
import type { Role } from '../../src-shared/model/role.ts'
import { newCommandId, newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

const BIDI = 'web\u202egpj'
const HUGE = 'x'.repeat(65_536)
const MANY_LABELS = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`l${index}`, 'v']))
const NAME_SAYS = 'must be 1–63 lower-case letters, digits and dashes, start with a letter and not end with a dash'
const REF_SAYS = 'must be an environment id (env- and 8 hex digits) or an environment name'
const LABELS_SAY = 'labels: must be at most 64 labels'
const KEY_SAYS = 'labels.(a key): must be 1–63 lower-case letters, digits, dots, slashes'

type Calls = Awaited<ReturnType<Awaited<ReturnType<typeof serveFakeDriverDaemon>>['connect']>>['client']
type AnyCall = (input: unknown, options: object) => Promise<unknown>

interface Case {
  readonly says: string
  readonly call: (calls: Calls) => unknown
  readonly input: object
}

const spawn = (calls: Calls): unknown => calls.environments.spawn
const resize = (calls: Calls): unknown => calls.environments.resize
const rename = (calls: Calls): unknown => calls.environments.rename
const setLabels = (calls: Calls): unknown => calls.environments.setLabels
const fresh = (more: object) => ({ ...spawnInput('other'), ...more })
const ofWeb = (more: object) => ({ commandId: newCommandId(), environment: 'web', ...more })

/** What is wrong, and what the answer has to say of it. */
const INVALID: Record<string, Case> = {
  'an id that is none': {
    call: spawn,
    input: fresh({ commandId: 'cmd-1' }),
    says: 'commandId: must be cmd- and 16–64',
  },
  'a name with upper case': { call: spawn, input: fresh({ name: 'Web' }), says: `name: ${NAME_SAYS}` },
  'a name with a newline': { call: spawn, input: fresh({ name: 'web\n' }), says: `name: ${NAME_SAYS}` },
  'a name that turns round': { call: spawn, input: fresh({ name: BIDI }), says: `name: ${NAME_SAYS}` },
  'a name of 64 KiB': { call: spawn, input: fresh({ name: HUGE }), says: `name: ${NAME_SAYS}` },
  'a name like an id': {
    call: spawn,
    input: fresh({ name: 'env-00000000' }),
    says: 'must not look like an environment',
  },
  'an owner upwards': { call: spawn, input: fresh({ owner: 'a..b' }), says: 'owner: must not contain two dots' },
  'an owner with NUL': { call: spawn, input: fresh({ owner: 'a\0b' }), says: 'owner: must be 1–63' },
  'an image path': { call: spawn, input: fresh({ image: '../minimal@1' }), says: 'image: must be name@version' },
  'negative memory': {
    call: spawn,
    input: fresh({ size: { memoryMiB: -1 } }),
    says: 'size.memoryMiB: must be a whole',
  },
  'no CPU': {
    call: spawn,
    input: fresh({ size: { cpus: 0 } }),
    says: 'size.cpus: must be a whole number from 1 to 16',
  },
  'half a CPU': { call: spawn, input: fresh({ size: { cpus: 0.5 } }), says: 'size.cpus: must be a whole number' },
  'an absurd home': { call: spawn, input: fresh({ size: { homeMiB: 1e15 } }), says: 'from 16 to 16777216 MiB' },
  'a size in words': {
    call: spawn,
    input: fresh({ size: { homeMiB: 'much' } }),
    says: 'size.homeMiB: must be a whole',
  },
  'labels in the thousands': { call: spawn, input: fresh({ labels: MANY_LABELS }), says: LABELS_SAY },
  'a start-up path upwards': {
    call: spawn,
    input: fresh({ startup: { files: [{ path: '../x', content: '' }] } }),
    says: 'startup.files.0.path: must be a relative path',
  },
  'a resize to less than nothing': {
    call: resize,
    input: ofWeb({ size: { homeMiB: -64 } }),
    says: 'size.homeMiB: must be a whole number from 16 to 16777216 MiB',
  },
  'a resize beyond the contract': {
    call: resize,
    input: ofWeb({ size: { cpus: 17, memoryMiB: 1e9 } }),
    says: 'size.memoryMiB: must be a whole number from 128 to 65536 MiB',
  },
  'a resize without a size': { call: resize, input: ofWeb({}), says: 'size: ' },
  'a generation that is none': {
    call: resize,
    input: ofWeb({ size: {}, generation: 0 }),
    says: 'generation: ',
  },
  'a target upwards': { call: rename, input: { environment: '../web', name: 'x' }, says: `environment: ${REF_SAYS}` },
  'a target like an option': {
    call: rename,
    input: { environment: '-rf', name: 'x' },
    says: `environment: ${REF_SAYS}`,
  },
  'a new name that turns round': {
    call: rename,
    input: { environment: 'web', name: BIDI },
    says: `name: ${NAME_SAYS}`,
  },
  'a new name of 64 KiB': { call: rename, input: { environment: 'web', name: HUGE }, says: `name: ${NAME_SAYS}` },
  'a new name that ends early': {
    call: rename,
    input: { environment: 'web', name: 'a\0' },
    says: `name: ${NAME_SAYS}`,
  },
  'new labels in the thousands': {
    call: setLabels,
    input: { environment: 'web', labels: MANY_LABELS },
    says: LABELS_SAY,
  },
  'a label that turns round': {
    call: setLabels,
    input: { environment: 'web', labels: { tier: BIDI } },
    says: 'labels.tier: must not contain control or bidirectional characters',
  },
  'a label of 64 KiB': {
    call: setLabels,
    input: { environment: 'web', labels: { tier: HUGE } },
    says: 'labels.tier: must be at most 63 characters',
  },
  'a key that turns round': { call: setLabels, input: { environment: 'web', labels: { [BIDI]: '' } }, says: KEY_SAYS },
  'a key of 64 KiB': { call: setLabels, input: { environment: 'web', labels: { [HUGE]: '' } }, says: KEY_SAYS },
  'labels that are a list': { call: setLabels, input: { environment: 'web', labels: ['a'] }, says: 'labels: ' },
  'an owner note that turns round': {
    call: (calls) => calls.owners.put,
    input: { name: 'team', note: BIDI },
    says: 'note: must not contain control or bidirectional characters',
  },
  'a reason of 64 KiB': {
    call: (calls) => calls.environments.recover,
    input: ofWeb({ reason: HUGE }),
    says: 'reason: must be at most 500 characters',
  },
  'a ticket that is none': {
    call: (calls) => calls.environments.destroy.run,
    input: ofWeb({ ticket: 'tkt-1; DROP TABLE' }),
    says: 'ticket: must be tkt- and 32 hex digits',
  },
  'an operation that is none': {
    call: (calls) => calls.operations.get,
    input: { id: 'op-../../etc' },
    says: 'id: must be op- and 16 hex digits',
  },
  'JSON in the place of a name, deep': {
    call: rename,
    input: { environment: 'web', name: JSON.parse('{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000)) as object },
    says: 'name: ',
  },
}

/** What has the right form, and is wrong here. */
const WRONG: Record<string, Case & { readonly code: string }> = {
  'an unknown owner': {
    call: spawn,
    input: fresh({ owner: 'stranger' }),
    code: 'owner_not_allowed',
    says: 'stranger is not an owner on this host.',
  },
  'an unknown environment': {
    call: rename,
    input: { environment: 'env-ffffffff', name: 'x' },
    code: 'not_found',
    says: 'There is no environment env-ffffffff on this host.',
  },
  'an unknown image': {
    call: spawn,
    input: fresh({ image: 'absent@1' }),
    code: 'not_found',
    says: 'no image absent@1',
  },
  'more than the host takes': {
    call: spawn,
    input: fresh({ size: { memoryMiB: 65_536 } }),
    code: 'host_limit_reached',
    says: 'This host takes environments of at most 4096 memoryMiB; 65536 was asked for.',
  },
  'more than 1 MiB': {
    call: setLabels,
    input: { environment: 'web', labels: { tier: 'x'.repeat(1_100_000) } },
    code: 'input_too_large',
    says: 'The input is larger than 1048576 bytes.',
  },
}

describe('bad input', () => {
  let served: Awaited<ReturnType<typeof serveFakeDriverDaemon>>
  let calls: Calls
  const sockets: { close(): void }[] = []
  const connect = async (role: Role) => {
    const { client, socket } = await served.connect(role)
    sockets.push(socket)
    return client
  }
  const context = () => ({ context: { requestId: newRequestId() } })

  beforeAll(async () => {
    served = await serveFakeDriverDaemon({
      options: { sizeLimit: { cpus: 16, memoryMiB: 4096, homeMiB: 16_777_216 } },
    })
    calls = await connect('admin')
    const { id } = await calls.environments.spawn(spawnInput('web'), context())
    await calls.operations.wait({ id, timeoutMs: 5_000 }, context())
  })
  afterAll(async () => {
    for (const socket of sockets) socket.close()
    await served.remove()
  })

  /** Every row of every table, `besides` one. */
  function rowsOf(besides?: string): string {
    const db = openDatabase(join(served.host.folder, 'pilothoused.db'), { clock: new SystemClock() })
    try {
      const tables = db.all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      const others = tables.filter(({ name }) => name !== besides)
      return JSON.stringify(others.map(({ name }) => [name, db.all(`SELECT * FROM "${name}"`)]))
    } finally {
      db.dispose()
    }
  }

  async function refuse({ call, input }: Case, everything: () => string): Promise<Failure> {
    const before = everything()
    const answer = await (call(calls) as AnyCall)(input, context()).then(
      () => 'answered',
      (error: unknown) => error,
    )
    expect(answer).not.toBe('answered')
    expect(everything()).toBe(before)
    return answer as Failure
  }

  it.each(Object.entries(INVALID))(
    'is refused, named and not repeated, and changes nothing: %s',
    async (_what, wrong) => {
      const { code, message, requestId } = await refuse(wrong, () => rowsOf())
      expect({ code, message }).toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining(wrong.says) as string,
      })
      expect(message.length).toBeLessThan(1_500)
      // eslint-disable-next-line no-control-regex -- what must not be there
      expect(message).not.toMatch(/[\u0000-\u001f\u202e]|x{100}/)
      expect(requestId).toMatch(/^req-/)
    },
  )

  it.each(Object.entries(WRONG))(
    'of the right form is refused for what it is, and changes nothing but the record: %s',
    async (_what, wrong) => {
      const { code, message } = await refuse(wrong, () => rowsOf('activity'))
      expect({ code, message }).toMatchObject({
        code: wrong.code,
        message: expect.stringContaining(wrong.says) as string,
      })
    },
  )

  it('leaves the daemon answering, and its log without what was sent', async () => {
    expect((await calls.environments.list({}, context())).environments).toHaveLength(1)
    expect(served.host.logger.errors()).toEqual([])
    expect(JSON.stringify(served.log.lines)).not.toMatch(/x{100}|\u202e/)
  })
})
