import type { GuestImage } from '../../images/catalogue.ts'
import { startStopwatch } from '../../system/clock.ts'
import { startDetached, type DetachedProcess } from '../../system/detached.ts'
import { readTail } from '../../system/file-parts.ts'
import { DriverFailure, type BootRecord, type BootSpec } from '../vm-driver.ts'
import { makeBootFiles } from './boot-files.ts'
import { mendCutOffGrowth } from './grow-home.ts'
import { handlesOf, homeImagePath } from './handles.ts'
import { lendHome } from './homes.ts'
import { engineStatus, textOf } from './inspect-guest.ts'
import { DEADLINES, type QemuDriverOptions } from './options.ts'
import { launchArguments, qemuArguments, type Accelerator } from './qemu-arguments.ts'
import { isDeadState } from './qmp-client.ts'
import { stopGuest, type StopTools } from './stop-guest.ts'

const SOCKET_POLL_MS = 5
const OUTPUT_TAIL_BYTES = 2_000
const OUTPUT_LINES = 3
/** Among the kernel's words of an image whose init heeds what the guest is told. */
const KNOWS_STARTUP = 'pilothouse.knows=startup'

export interface ChosenAccelerator {
  readonly accelerator: Accelerator
  /** The group that may open the accelerator's device, where one is needed. */
  readonly group: number | undefined
}

export interface StartTools extends StopTools {
  readonly options: QemuDriverOptions
  readonly chooseAccelerator: () => Promise<ChosenAccelerator>
}

/** See `VmDriver.startGuest`. */
export async function startGuest(
  boot: { readonly spec: BootSpec; readonly record: BootRecord },
  tools: StartTools,
  signal: AbortSignal,
): Promise<void> {
  const { spec, record } = boot
  const image = await resolveImage(spec, tools.options)
  const chosen = await tools.chooseAccelerator()
  signal.throwIfAborted()
  try {
    await mendCutOffGrowth(tools.options, spec.homeId, signal)
    await lendHome(tools.options, { ...spec, uid: spec.guestUid })
    await makeBootFiles(record, spec, signal)
    const homeImage = homeImagePath(tools.options.homesDirectory, spec.homeId)
    const args = qemuArguments({ ...boot, image, homeImage, accelerator: chosen.accelerator })
    const program = [qemuBinary(tools.options), ...args]
    const launched = await startDetached({
      file: 'setpriv',
      args: launchArguments({ uid: spec.guestUid, group: chosen.group }, program),
      outputPath: handlesOf(record).outputFile,
    })
    await untilEngineAnswers({ record, launched }, tools, signal)
  } catch (error) {
    await cleanUp(record, tools, error)
    throw asFailure(error, signal)
  }
}

export function qemuBinary(options: Pick<QemuDriverOptions, 'qemuBinary'>): string {
  return options.qemuBinary ?? 'qemu-system-x86_64'
}

/** Rejects with `image_unavailable`, also for an image whose init would not heed what the guest is told. */
async function resolveImage(spec: BootSpec, options: QemuDriverOptions): Promise<GuestImage> {
  const image = await options.images.resolve(spec.image).catch((cause: unknown) => {
    throw new DriverFailure('image_unavailable', textOf(cause), { cause })
  })
  if (spec.startup === null || image.commandLine.includes(KNOWS_STARTUP)) return image
  const message = `The image ${spec.image} was built without knowing start-up commands and files; build it again.`
  throw new DriverFailure('image_unavailable', message)
}

async function untilEngineAnswers(
  boot: { readonly record: BootRecord; readonly launched: DetachedProcess },
  tools: StartTools,
  signal: AbortSignal,
): Promise<void> {
  let hasExited = false as boolean
  void boot.launched.exited.then(() => (hasExited = true))
  const elapsedMs = startStopwatch(tools.clock)
  for (;;) {
    signal.throwIfAborted()
    const status = await engineStatus(boot.record, tools).catch(() => undefined)
    if (status !== undefined && !isDeadState(status)) return
    if (hasExited) throw await engineFailure(boot.record, 'QEMU ended at once')
    if (status !== undefined) throw await engineFailure(boot.record, `QEMU says ${status}`)
    if (elapsedMs() >= DEADLINES.engineAnswersMs) throw await engineFailure(boot.record, 'QEMU did not answer')
    await tools.clock.sleep(SOCKET_POLL_MS, signal)
  }
}

async function engineFailure(record: BootRecord, says: string): Promise<DriverFailure> {
  const output = await readTail(handlesOf(record).outputFile, OUTPUT_TAIL_BYTES).then(String, () => '')
  const lastLines = output.trim().split('\n').slice(-OUTPUT_LINES).join(' ')
  return new DriverFailure('hypervisor_failed', lastLines === '' ? `${says}.` : `${says}: ${lastLines}`)
}

/** Nothing but the journal stays of a start that failed; what could not be removed is said, loudly. */
async function cleanUp(record: BootRecord, tools: StartTools, failure: unknown): Promise<void> {
  try {
    await stopGuest(record, { graceMs: 0, forceMs: DEADLINES.cleanUpMs }, tools)
  } catch (error) {
    tools.options.logger.warn({ bootId: record.bootId, failure: textOf(failure) }, `clean-up failed: ${textOf(error)}`)
    throw new DriverFailure(
      'cleanup_failed',
      `${textOf(failure)}; and what was left could not be removed: ${textOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

function asFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof DriverFailure) return error
  return new DriverFailure('hypervisor_failed', textOf(error), { cause: error })
}
