import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ActivityAudit } from '../../../../src-main/activity/activity-audit.ts'
import { HeadRecorder, PIN_EVERY_MS } from '../../../../src-main/activity/head-recorder.ts'
import { openStore, type ConsoleStore } from '../../../../src-main/store/store.ts'
import { hostTargetSchema } from '../../../../src-shared/model/host.ts'
import { claimedActorSchema, hostIdSchema, hostNameSchema, type HostId } from '../../../../src-shared/model/ids.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const id = hostIdSchema.parse('host-0000abcd')
const key = { type: 'ssh-ed25519', fingerprint: 'SHA256:x' }
const target = hostTargetSchema.parse({ address: 'lab.example' })
const hashOf = (seq: number, letter = 'a'): string => `${letter}${seq}`.padStart(64, '0')
const head = (seq: number, letter = 'a') => ({ seq, hash: hashOf(seq, letter) })

let folder: string
let store: ConsoleStore
let clock: ManualClock
let recorder: HeadRecorder

function open(): void {
  store = openStore(folder)
  recorder = new HeadRecorder({ clock, hosts: store.hosts, pins: store.heads })
}
function restart(): void {
  recorder.dispose()
  store.dispose()
  open()
}
function addHost(hostId: HostId = id, name = 'lab', pinned = key): void {
  store.hosts.add({ id: hostId, name: hostNameSchema.parse(name), target }, 0)
  store.hosts.pin(hostId, pinned)
}
/** As a session does it: a link is opened, and over it heads are told. */
function tell(...heads: ReturnType<typeof head>[]): void {
  const host = store.hosts.get(id)
  if (host !== undefined) recorder.expect(host)
  for (const one of heads) recorder.note(id, one)
}
const kept = (hostId = id) => store.heads.list({ id: hostId, fingerprint: key.fingerprint })
const seqsOf = (pins: readonly { head: { seq: number } }[]) => pins.map((pin) => pin.head.seq)
async function pass(ms = PIN_EVERY_MS): Promise<void> {
  clock.advance(ms)
  await new Promise(setImmediate)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-heads-'))
  clock = new ManualClock()
  open()
  addHost()
})
afterEach(async () => {
  recorder.dispose()
  store.dispose()
  await rm(folder, { recursive: true, force: true })
})

describe('heads that a host tells', () => {
  it('are pinned once every few seconds, the newest for those before it', async () => {
    const writing = vi.spyOn(store.heads, 'add')
    for (let seq = 1; seq <= 100; seq++) tell(head(seq), head(seq))
    expect(writing).not.toHaveBeenCalled()
    await pass()
    expect(writing).toHaveBeenCalledTimes(1)
    tell(head(100))
    await pass()
    expect(writing).toHaveBeenCalledTimes(1)
    expect(kept()).toMatchObject([{ head: head(100), isEvidence: false, shrankFrom: null }])
  })

  it('stay through a restart, and are written when the console ends', async () => {
    tell(head(3))
    await pass()
    tell(head(7))
    restart()
    expect(seqsOf(kept())).toEqual([7, 3])
  })

  it('are kept as evidence where they are smaller than before, with what they contradict', async () => {
    tell(head(50), head(40), head(41), head(45))
    await pass()
    expect(seqsOf(kept()).sort()).toEqual([40, 45, 50])
    expect(kept().find((pin) => pin.isEvidence)).toMatchObject({ head: head(40), shrankFrom: 50 })
  })

  it('are evidence also after a restart and beside another process', async () => {
    tell(head(50))
    restart()
    tell(head(49))
    await pass()
    expect(kept()).toContainEqual(expect.objectContaining({ head: head(49), shrankFrom: 50 }))
  })

  it('are no evidence where another process has pinned a later one since the connection was opened', async () => {
    tell(head(10))
    store.heads.add({ id, fingerprint: key.fingerprint }, [
      { head: head(12), seenAt: clock.now() + 1, isEvidence: false, shrankFrom: null },
    ])
    recorder.note(id, head(11))
    await pass()
    expect(kept().some(({ isEvidence }) => isEvidence)).toBe(false)
  })

  it('are evidence where they are other ones of the same length', async () => {
    tell(head(9), head(9, 'b'))
    await pass()
    expect(kept().map((pin) => [pin.head.hash, pin.isEvidence])).toEqual(
      expect.arrayContaining([
        [hashOf(9), false],
        [hashOf(9, 'b'), true],
      ]),
    )
  })

  it('count again for a host that is added again with the same key, and for no other one', async () => {
    tell(head(20))
    await pass()
    store.hosts.remove(id)
    const again = hostIdSchema.parse('host-00000001')
    addHost(again)
    expect(seqsOf(kept(again))).toEqual([20])
    const other = hostIdSchema.parse('host-00000002')
    store.hosts.add({ id: other, name: hostNameSchema.parse('other'), target }, 0)
    expect(store.heads.list({ id: other, fingerprint: 'SHA256:y' })).toEqual([])
    expect(store.heads.list({ id: other, fingerprint: null })).toEqual([])
    store.heads.add({ id: again, fingerprint: key.fingerprint }, [])
    expect(seqsOf(store.heads.list({ id: other, fingerprint: key.fingerprint }))).toEqual([])
  })

  it('do not end the console where they cannot be written, and wait', async () => {
    vi.spyOn(store.heads, 'add').mockImplementationOnce(() => {
      throw new Error('disk full')
    })
    tell(head(5))
    await pass()
    expect(kept()).toEqual([])
    tell(head(6))
    await pass()
    expect(seqsOf(kept())).toEqual([6])
  })
})

it('the audit lists what is pinned and what is about to be, newest first', async () => {
  const audit = new ActivityAudit({
    hosts: store.hosts,
    pins: store.heads,
    recorder,
    random: { hex: (bytes) => '00'.repeat(bytes), fraction: () => 0 },
    claimedActor: claimedActorSchema.parse('op@desk'),
    client: () => {
      throw new Error('not connected')
    },
  })
  tell(head(3))
  await pass()
  tell(head(4))
  expect(seqsOf(audit.heads(id))).toEqual([4, 3])
  expect(() => audit.heads(hostIdSchema.parse('host-ffffffff'))).toThrow(/knows no host/)
})
