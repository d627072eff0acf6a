import { join } from 'node:path'
import { PilothouseError } from '../../../src-shared/error.ts'
import { makeSparseFile } from '../../system/file-parts.ts'
import { ensureFolderWithMode, removeFile } from '../../system/folders.ts'
import { requireFacts } from '../../system/presence.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import { UndoStack } from '../../system/undo-stack.ts'
import type { BootRecord, HomeView, HomeViewOptions } from '../vm-driver.ts'
import { findGuest } from './find-guest.ts'
import { handlesOf, homeImagePath, type QemuHandles } from './handles.ts'
import { withMonitor, type Conversations } from './inspect-guest.ts'
import type { QemuDriverOptions } from './options.ts'
import { thawIfFrozen, whileFrozen } from './point-in-time-freeze.ts'
import { bringToRest, isAtRest, serveView } from './point-in-time-image.ts'
import { beginView, exportView, findHomeDisk, prepareView, removeView, type HomeDisk } from './point-in-time-nodes.ts'

const MONITOR_MS = 20_000
/** A turn at the agent: whoever pings it meanwhile waits, and is told that it is silent at worst. */
const AGENT_TURN_MS = 60_000
const SEARCHABLE = 0o711

export interface ViewTools extends Conversations {
  readonly options: Pick<QemuDriverOptions, 'homesDirectory'>
  /** Boots of which this daemon has a view open. */
  readonly openViews: Set<string>
}

/** See `VmDriver.openHomeView`. */
export async function openHomeView(record: BootRecord, options: HomeViewOptions, tools: ViewTools): Promise<HomeView> {
  options.signal.throwIfAborted()
  const { bootId } = record
  if (tools.openViews.has(bootId))
    throw new PilothouseError('operation_in_flight', 'There is a view of this home already; one at a time is possible.')
  tools.openViews.add(bootId)
  const undo = new UndoStack()
  undo.push(() => void tools.openViews.delete(bootId))
  try {
    const isRunning = (await findGuest(record)) !== undefined
    const view = await (isRunning ? viewRunning : viewStopped)(record, { options, tools, undo })
    return { ...view, isQuiesced: view.consistency === 'quiesced', close: () => undo.run() }
  } catch (error) {
    await undo.run()
    options.signal.throwIfAborted()
    throw error
  }
}

/** See `VmDriver.dropHomeViews`. */
export async function dropHomeViews(record: BootRecord, options: HomeViewOptions, tools: ViewTools): Promise<void> {
  if ((await findGuest(record)) !== undefined) {
    const { agentSocket } = handlesOf(record)
    using turn = new TimeLimit(tools.clock, AGENT_TURN_MS)
    await tools.turns.take(agentSocket, turn.signal, () => thawIfFrozen(record, tools))
  }
  await removeAll(record, options, tools)
}

interface Opening {
  readonly options: HomeViewOptions
  readonly tools: ViewTools
  /** What ends the view again; grows. */
  readonly undo: UndoStack
}

type ViewFacts = Pick<HomeView, 'imagePath' | 'consistency' | 'frozenMs'>

async function viewStopped({ homeId }: BootRecord, { options, tools }: Opening): Promise<ViewFacts> {
  const imagePath = homeImagePath(tools.options.homesDirectory, homeId)
  const { uid } = await requireFacts(imagePath)
  if (options.isUntouched === true && !(await isAtRest(imagePath))) throw notAtRest()
  return { imagePath, consistency: await bringToRest(imagePath, uid, options.signal), frozenMs: null }
}

function notAtRest(): PilothouseError {
  const message = 'Its guest did not leave the home at rest, and reading it would replay its journal.'
  return new PilothouseError('wrong_state', message)
}

async function viewRunning(record: BootRecord, { options, tools, undo }: Opening): Promise<ViewFacts> {
  const { scratchDirectory, signal } = options
  const { uid } = await requireFacts(homeImagePath(tools.options.homesDirectory, record.homeId))
  const files = filesOf(record, options)
  await dropHomeViews(record, options, tools)
  undo.push(() => removeAll(record, options, tools))
  const disk = await prepare(record, { files, uid, options, tools })
  const frozenMs = await takeView(record, disk, tools)
  signal.throwIfAborted()
  await monitored(record, tools, (monitor) => exportView(monitor, files.socket))
  const source = { socket: files.socket, uid, bytes: disk.bytes, scratchDirectory, replayFile: files.replay, signal }
  const image = await serveView(source)
  undo.push(() => image.close())
  return { imagePath: image.imagePath, consistency: image.consistency, frozenMs }
}

interface ViewFiles {
  readonly scratch: string
  readonly replay: string
  readonly socket: string
}

function filesOf(record: BootRecord, { scratchDirectory }: HomeViewOptions): ViewFiles {
  return {
    scratch: join(scratchDirectory, `${record.bootId}.scratch`),
    replay: join(scratchDirectory, `${record.bootId}.replay`),
    socket: viewSocketPath(handlesOf(record)),
  }
}

/** Beside the agent's, and no longer than its path. */
function viewSocketPath({ bootDirectory }: QemuHandles): string {
  return join(bootDirectory, 'view')
}

interface Preparation {
  readonly files: ViewFiles
  readonly uid: number
  readonly options: HomeViewOptions
  readonly tools: ViewTools
}

/** The scratch file loses its name as soon as QEMU has it: its space is free again when QEMU lets go, or ends. */
async function prepare(record: BootRecord, { files, uid, options, tools }: Preparation): Promise<HomeDisk> {
  await ensureFolderWithMode(options.scratchDirectory, SEARCHABLE)
  const disk = await monitored(record, tools, findHomeDisk)
  try {
    await makeSparseFile(files.scratch, { bytes: disk.bytes, uid })
    await monitored(record, tools, (monitor) => prepareView(monitor, disk, files.scratch))
  } finally {
    await removeFile(files.scratch)
  }
  options.signal.throwIfAborted()
  return disk
}

/** How long the guest held still; null where it did not. Once begun it is not cut off: a thaw must follow a freeze. */
async function takeView(record: BootRecord, disk: HomeDisk, tools: ViewTools): Promise<number | null> {
  const begin = () => monitored(record, tools, (monitor) => beginView(monitor, disk))
  using turn = new TimeLimit(tools.clock, AGENT_TURN_MS)
  return await tools.turns.take(handlesOf(record).agentSocket, turn.signal, () => whileFrozen(record, tools, begin))
}

async function removeAll(record: BootRecord, options: HomeViewOptions, tools: ViewTools): Promise<void> {
  const { scratch, replay, socket } = filesOf(record, options)
  try {
    await monitored(record, tools, (monitor) => removeView(monitor, tools.clock))
  } catch (error) {
    // A guest that is gone has taken everything along.
    if ((await findGuest(record)) !== undefined) throw error
  }
  for (const path of [scratch, replay, socket]) await removeFile(path)
}

async function monitored<T>(
  record: BootRecord,
  tools: ViewTools,
  work: Parameters<typeof withMonitor<T>>[2],
): Promise<T> {
  return await withMonitor(record, { ...tools, timeoutMs: MONITOR_MS }, work)
}
