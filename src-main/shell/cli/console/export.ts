import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import type { ConsoleTarget } from '../../../../src-shared/contract/console-stream.ts'
import type { ConsoleGap } from '../../../../src-shared/model/console.ts'
import type { Invocation } from '../invocation.ts'
import { facts } from '../render/text.ts'
import type { ConsoleItem } from './console-place.ts'
import { ConsoleReader } from './console-reader.ts'
import { streamOpener } from './streams.ts'
import { writeWithBackPressure } from './write.ts'

/** What was exported: `bytes` counts what is in the file, gaps left out. */
interface Exported {
  bootId: string
  bytes: number
  sha256: string
  gaps: ConsoleGap[]
}

type Sink = (bytes: Uint8Array) => Promise<void>

/** Every byte of one boot that is kept, up to the newest one at this moment, into a file or, for `-`, to stdout. */
export async function exportConsole(target: ConsoleTarget, file: string, invocation: Invocation): Promise<void> {
  const { deps, output } = invocation
  if (file === '-') {
    const exported = await copyTo(
      (bytes) => writeWithBackPressure(deps.io.stdout, bytes, deps.signal),
      target,
      invocation,
    )
    output.note(exportedFacts(exported))
    return
  }
  const exported = await copyToFile(file, target, invocation)
  output.item({ file, ...exported }, () => exportedFacts(exported))
}

/** The file appears whole or not at all. */
async function copyToFile(file: string, target: ConsoleTarget, invocation: Invocation): Promise<Exported> {
  const partial = `${file}.partial-${invocation.deps.random.hex(4)}`
  const handle = await open(partial, 'wx')
  try {
    const exported = await copyTo((bytes) => handle.writeFile(bytes), target, invocation)
    await handle.sync()
    await rename(partial, file)
    return exported
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

async function copyTo(sink: Sink, target: ConsoleTarget, invocation: Invocation): Promise<Exported> {
  const { clock, random, signal } = invocation.deps
  const reader = new ConsoleReader({
    open: streamOpener(invocation, signal),
    clock,
    random,
    signal,
    typing: 'none',
    until: 'boot-ended',
  })
  const hash = createHash('sha256')
  const exported: Exported = { bootId: '', bytes: 0, sha256: '', gaps: [] }
  let end: number | undefined
  for await (const item of reader.read(target)) {
    if (item.type === 'opened') {
      exported.bootId = item.boot.bootId
      end ??= item.boot.endOffset
    } else if (item.type === 'gap') exported.gaps.push(item.gap)
    else if (item.type === 'bytes') {
      const bytes = item.bytes.subarray(0, Math.max(0, (end ?? 0) - item.offset))
      hash.update(bytes)
      exported.bytes += bytes.byteLength
      await sink(bytes)
    }
    if (end !== undefined && reachOf(item) >= end) break
  }
  return { ...exported, sha256: hash.digest('hex') }
}

/** One past the last byte that this item accounts for. */
function reachOf(item: ConsoleItem): number {
  if (item.type === 'opened') return item.offset
  if (item.type === 'bytes') return item.offset + item.bytes.byteLength
  return item.type === 'gap' ? item.gap.offset + (item.gap.length ?? 0) : 0
}

function exportedFacts({ bootId, bytes, sha256, gaps }: Exported): string {
  return facts([
    ['boot', bootId],
    ['exported', `${bytes} bytes (${bytesText(bytes)})`],
    ['sha256', sha256],
    ...gaps.map((gap): [string, string] => [
      'gap',
      `${gap.length ?? 'unknown'} bytes at offset ${gap.offset}: ${gap.reason}`,
    ]),
  ])
}
