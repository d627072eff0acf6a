import { expect, it } from 'vitest'
import { relayConsole } from '../../../../src-main/bridge/console-relay.ts'
import type { ConsoleCore } from '../../../../src-main/index.ts'
import {
  CONSOLE_CHUNK_BYTES,
  CONSOLE_WINDOW_BYTES,
  encodeConsoleChunk,
} from '../../../../src-shared/contract/console-stream.ts'
import { requestIdSchema } from '../../../../src-shared/model/ids.ts'
import { channelPair } from '../../../support/channel-pair.ts'

const requestId = requestIdSchema.parse('req-00000000000000aa')
const QUERY = 'host=host-0000abcd&environment=env-0000abcd'
const CHUNK = new Uint8Array(CONSOLE_CHUNK_BYTES)

/** A viewer and a host with the relay between them. */
async function relayed() {
  const [viewer, relayEnd] = channelPair()
  const [upstream, host] = channelPair()
  const session = () => ({ openConsole: () => Promise.resolve(upstream) })
  await relayConsole({ fleet: { session } } as unknown as ConsoleCore, relayEnd, { query: QUERY, requestId })
  const received: (string | Uint8Array)[] = []
  viewer.onMessage((message) => received.push(message))
  return { viewer, host, received }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

it('passes on as much as the viewer acknowledges, for ever', async () => {
  const { viewer, host, received } = await relayed()
  for (let offset = 0; offset < 8 * CONSOLE_WINDOW_BYTES; offset += CHUNK.length) {
    host.send(encodeConsoleChunk({ offset, bytes: CHUNK }))
    viewer.send(JSON.stringify({ type: 'ack', offset: offset + CHUNK.length }))
    await settle()
  }
  expect(received).toHaveLength((8 * CONSOLE_WINDOW_BYTES) / CHUNK.length)
})

it('cuts a host off that does not wait for its viewer', async () => {
  const { viewer, host, received } = await relayed()
  let reason = ''
  let hostReason: string | undefined
  viewer.onClose((why) => (reason = why))
  host.onClose((why) => (hostReason = why))
  for (let offset = 0; offset < 8 * CONSOLE_WINDOW_BYTES && hostReason === undefined; offset += CHUNK.length) {
    host.send(encodeConsoleChunk({ offset, bytes: CHUNK }))
    await settle()
  }
  expect(reason).toContain('more of the console')
  expect(hostReason).toContain('more of the console')
  expect(received.length).toBeLessThan((3 * CONSOLE_WINDOW_BYTES) / CHUNK.length)
  expect(JSON.parse(received.at(-1) as string)).toMatchObject({ type: 'error', code: 'protocol_mismatch' })
})

it('counts no notices against a viewer that has drawn everything', async () => {
  const { viewer, host, received } = await relayed()
  host.send(encodeConsoleChunk({ offset: 0, bytes: CHUNK }))
  viewer.send(JSON.stringify({ type: 'ack', offset: CHUNK.length }))
  await settle()
  const notice = JSON.stringify({ type: 'lease', filler: 'x'.repeat(100_000) })
  for (let count = 0; count < 100; count++) host.send(notice)
  await settle()
  expect(received).toHaveLength(101)
})
