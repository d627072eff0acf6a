import type { DriverDescription } from '../../../src-shared/model/daemon.ts'
import { runProgram } from '../../system/child.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import type { VmDriver } from '../vm-driver.ts'
import { chooseAccelerator, type AcceleratorAnswer } from './accelerator.ts'
import { makeFolders } from './boot-files.ts'
import { openConsoleInput } from './console-input.ts'
import { fillHome, openViewTree, verifyHome } from './fill-home.ts'
import { growHome } from './grow-home.ts'
import { planBoot } from './handles.ts'
import { createHome, destroyHome, freeHomeBytes, inspectHome } from './homes.ts'
import { inspectGuest, textOf } from './inspect-guest.ts'
import { DEADLINES, type QemuDriverOptions } from './options.ts'
import { dropHomeViews, openHomeView } from './point-in-time.ts'
import { runInGuest } from './run-in-guest.ts'
import { qemuBinary, startGuest } from './start-guest.ts'
import { stopGuest } from './stop-guest.ts'
import { survey } from './survey.ts'
import { Turns } from './turns.ts'
import { waitUntilReady } from './wait-until-ready.ts'

/**
 * Guests as QEMU processes of this host. Keeps nothing but the accelerator's probe and whose turn it is at a
 * guest's sockets; one daemon at a time may drive a guest. Resolves once its folders exist.
 */
export async function createQemuDriver(options: QemuDriverOptions): Promise<VmDriver> {
  await makeFolders(options)
  const turns = new Turns()
  const accelerator = cachedAccelerator(options)
  const openViews = new Set<string>()
  const never = new AbortController().signal
  const { clock, random } = options
  const tools = { options, turns, clock, random, chooseAccelerator: accelerator, openViews }
  return {
    kind: 'qemu',
    describe: (signal = never) => describe(options, accelerator, signal),
    createHome: (homeId, sizeMiB, signal) => createHome(options, { homeId, sizeMiB }, signal),
    growHome: (homeId, sizeMiB, signal) => growHome(options, { homeId, sizeMiB }, signal),
    destroyHome: (homeId) => destroyHome(options, homeId),
    inspectHome: (homeId) => inspectHome(options, homeId),
    freeHomeBytes: () => freeHomeBytes(options),
    fillHome: (homeId, tree, work) => fillHome(options, { ...tree, homeId }, work),
    verifyHome: (homeId, tree, look) => verifyHome(options, { ...tree, homeId }, look),
    planBoot: (spec) => planBoot(spec, options),
    startGuest: (spec, record, signal) => startGuest({ spec, record }, tools, signal),
    waitUntilReady: (record, deadlineMs, signal) => waitUntilReady(record, tools, { deadlineMs, signal }),
    inspectGuest: (record) => inspectGuest(record, tools),
    stopGuest: (record, deadlines) => stopGuest(record, deadlines, tools),
    survey: (signal) => survey(options, signal),
    openHomeView: (record, view) => openHomeView(record, view, tools),
    dropHomeViews: (record, view) => dropHomeViews(record, view, tools),
    openViewTree: (view, tree) => openViewTree(options, view, tree),
    runInGuest: (record, program) => runInGuest(record, program, tools),
    openConsoleInput,
  }
}

type Chooser = () => Promise<AcceleratorAnswer>

/** Probes once for everyone who asks; an answer that is not final (no image yet) is asked for again. */
function cachedAccelerator(options: QemuDriverOptions): Chooser {
  let probing: Promise<AcceleratorAnswer> | undefined
  const probe = async (): Promise<AcceleratorAnswer> => {
    try {
      using limit = new TimeLimit(options.clock, DEADLINES.programMs)
      const answer = await chooseAccelerator(options, limit.signal)
      if (!answer.isFinal) probing = undefined
      return answer
    } catch (error) {
      probing = undefined
      throw error
    }
  }
  return () => (probing ??= probe())
}

async function describe(
  options: QemuDriverOptions,
  accelerator: Chooser,
  signal: AbortSignal,
): Promise<DriverDescription> {
  const capabilities = { console: true, consoleInput: true, gracefulStop: true }
  try {
    await runProgram({ file: qemuBinary(options), args: ['--version'], timeoutMs: DEADLINES.programMs, signal })
    const { report } = await accelerator()
    return { kind: 'qemu', accelerator: report, capabilities, unavailableReason: null }
  } catch (error) {
    const reason = `QEMU cannot be used on this host: ${textOf(error)}`
    return { kind: 'qemu', accelerator: { kind: 'none', reason }, capabilities, unavailableReason: reason }
  }
}
