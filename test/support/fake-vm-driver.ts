import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DriverDescription } from '../../src-shared/model/daemon.ts'
import type { BootId, EnvironmentId, HomeId } from '../../src-shared/model/ids.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import {
  DriverFailure,
  type BootRecord,
  type BootSpec,
  type ConsoleInput,
  type GuestEvidence,
  type GuestProgram,
  type GuestProgramResult,
  type HomeTree,
  type HomeTreeOptions,
  type HomeView,
  type HomeViewOptions,
  type HostSurvey,
  type OpenHomeTree,
  type StopDeadlines,
  type SurveyedBoot,
  type SurveyedHome,
  type VmDriver,
} from '../../host-daemon/drivers/vm-driver.ts'
import { filesOf, layOut, takeIn } from './fake-home-trees.ts'
import { without } from '../../host-daemon/store/without.ts'
import { FakeMachine, type FakeHome } from './fake-machine.ts'

export type FakeAction =
  | 'createHome'
  | 'growHome'
  | 'destroyHome'
  | 'inspectHome'
  | 'startGuest'
  | 'ready'
  | 'stopGuest'
  | 'inspectGuest'
  | 'survey'
  | 'openHomeView'
  | 'closeHomeView'
  | 'dropHomeViews'
  | 'fillHome'
  | 'verifyHome'
  | 'openViewTree'
  | 'runInGuest'

export interface FakeVmDriverOptions {
  /** Give the same one to the next daemon and it finds the guests again. */
  readonly machine?: FakeMachine
  /** Where console journals are written; without it none are. */
  readonly journalFolder?: string
}

const POLL_MS = 2
const HOME_BYTES = 4096
const MIB = 1024 * 1024

/** A `VmDriver` whose guests live in a `FakeMachine`. Every action can be delayed, held or made to fail. */
export class FakeVmDriver implements VmDriver {
  readonly kind = 'fake' as const
  readonly machine: FakeMachine
  /** How often each action was begun. */
  readonly calls: Record<FakeAction, number>
  /** How long each action takes, in milliseconds. */
  readonly delayMs: Partial<Record<FakeAction, number>> = {}
  /** Why it cannot be used. */
  unavailableReason: string | null = null
  /** How often `inspectGuest` cannot tell, counted down. */
  unknownInspections = 0
  /** What views of running guests are from now on: an agent that cannot freeze leaves a journal to replay. */
  viewConsistency: HomeView['consistency'] = 'quiesced'
  /** What homes can still take. */
  freeBytes = 64 * 1024 * MIB
  /** What programs in guests come to; the home is as the guest sees it. */
  onProgram: (program: GuestProgram, home: FakeHome) => Partial<GuestProgramResult> = () => ({})
  /** The most guests that were between start and ready at the same time. */
  mostStarting = 0
  private readonly starting = new Set<string>()
  private readonly failures = new Map<FakeAction, Error[]>()
  private readonly gates = new Map<FakeAction, { readonly opened: Promise<void>; readonly isDeaf: boolean }>()
  private readonly journalFolder: string | undefined
  private readonly openViews = new Set<string>()
  private readonly seenInViews = new Map<string, FakeHome>()

  constructor(options: FakeVmDriverOptions = {}) {
    this.machine = options.machine ?? new FakeMachine()
    this.journalFolder = options.journalFolder
    this.calls = {
      createHome: 0,
      growHome: 0,
      destroyHome: 0,
      inspectHome: 0,
      startGuest: 0,
      ready: 0,
      stopGuest: 0,
      inspectGuest: 0,
      survey: 0,
      openHomeView: 0,
      closeHomeView: 0,
      dropHomeViews: 0,
      fillHome: 0,
      verifyHome: 0,
      openViewTree: 0,
      runInGuest: 0,
    }
  }

  /** The next call of `action` fails with `error`; called again, the one after it too. */
  failNext(action: FakeAction, error: Error): void {
    this.failures.set(action, [...(this.failures.get(action) ?? []), error])
  }

  /** What was to fail and has not been called goes well again. */
  forgetFailures(): void {
    this.failures.clear()
  }

  /** Every call of `action` waits until the function returned is called; a deaf one also where it is cancelled. */
  hold(action: FakeAction, { isDeaf = false } = {}): () => void {
    const gate = Promise.withResolvers<undefined>()
    this.gates.set(action, { opened: gate.promise, isDeaf })
    return () => {
      this.gates.delete(action)
      gate.resolve(undefined)
    }
  }

  describe(): Promise<DriverDescription> {
    return Promise.resolve({
      kind: this.kind,
      accelerator: { kind: 'none', reason: 'Guests of this driver are only pretended.' },
      capabilities: { console: true, consoleInput: true, gracefulStop: true },
      unavailableReason: this.unavailableReason,
    })
  }

  async createHome(homeId: HomeId, sizeMiB: number, signal: AbortSignal): Promise<void> {
    await this.act('createHome', signal)
    if (!this.isHomeWhole(homeId)) this.machine.homes.put(homeId, { homeId, sizeMiB })
  }

  async growHome(homeId: HomeId, sizeMiB: number, signal: AbortSignal): Promise<void> {
    await this.act('growHome', signal)
    const home = this.machine.homes.get(homeId)
    if (home === undefined) throw new DriverFailure('disk_failed', 'The home could not be grown: it is not there.')
    this.assertUnused(homeId, 'grown')
    if (home.sizeMiB < sizeMiB) this.machine.homes.put(homeId, { ...home, sizeMiB })
  }

  async destroyHome(homeId: HomeId): Promise<void> {
    await this.act('destroyHome')
    this.assertUnused(homeId, 'removed')
    this.machine.homes.delete(homeId)
  }

  async inspectHome(homeId: HomeId): Promise<{ kind: 'present'; bytes: number } | { kind: 'absent' }> {
    await this.act('inspectHome')
    return this.isHomeWhole(homeId) ? { kind: 'present', bytes: HOME_BYTES } : { kind: 'absent' }
  }

  planBoot({ environmentId, bootId, homeId }: Pick<BootSpec, 'environmentId' | 'bootId' | 'homeId'>): BootRecord {
    const journalPath = join(this.journalFolder ?? '/nonexistent', `${bootId}.log`)
    return { environmentId, bootId, homeId, journalPath, handles: { guest: bootId } }
  }

  async startGuest(spec: BootSpec, record: BootRecord, signal: AbortSignal): Promise<void> {
    const { bootId, environmentId, homeId, startup } = spec
    this.starting.add(bootId)
    this.mostStarting = Math.max(this.mostStarting, this.starting.size)
    try {
      await this.act('startGuest', signal)
      this.machine.boot({ bootId, environmentId, homeId, agent: 'silent', startup })
      const home = this.machine.homes.get(homeId)
      if (home !== undefined) this.machine.homes.put(homeId, { ...home, environmentId })
      await this.print(record, `fake guest ${environmentId} boots\r\n`)
    } catch (error) {
      this.starting.delete(bootId)
      throw error
    }
  }

  async waitUntilReady(record: BootRecord, deadlineMs: number, signal: AbortSignal): Promise<void> {
    const { bootId } = record
    const exited = new AbortController()
    const deadline = AbortSignal.timeout(deadlineMs)
    const watch = this.watchForExit(bootId, exited)
    try {
      await this.act('ready', AbortSignal.any([signal, exited.signal, deadline]))
      if (this.machine.guests.get(bootId) === undefined) throw exitedFailure()
      this.machine.setAgent(bootId, 'answering')
      await this.print(record, 'ready\r\n')
    } catch (error) {
      signal.throwIfAborted()
      throw deadline.aborted ? new DriverFailure('agent_timeout', `No answer within ${deadlineMs} ms.`) : error
    } finally {
      clearInterval(watch)
      this.starting.delete(bootId)
    }
  }

  async inspectGuest({ bootId }: BootRecord): Promise<GuestEvidence> {
    await this.act('inspectGuest')
    if (this.unknownInspections > 0) {
      this.unknownInspections -= 1
      return { kind: 'unknown', detail: 'The fake driver was told not to know.' }
    }
    const guest = this.machine.guests.get(bootId)
    if (guest === undefined) return { kind: 'gone', detail: 'Its process has ended.' }
    const { pid, agent } = guest
    return { kind: 'alive', process: { pid, startTicks: '1' }, agent }
  }

  async stopGuest({ bootId }: BootRecord, { graceMs }: StopDeadlines): Promise<'was_gone' | 'graceful' | 'forced'> {
    await this.act('stopGuest')
    this.starting.delete(bootId)
    this.machine.files.delete(bootId)
    if (this.machine.guests.get(bootId) === undefined) return 'was_gone'
    this.machine.kill(bootId)
    return graceMs > 0 ? 'graceful' : 'forced'
  }

  /** The image is what a guest has left in the home, as text; see `FakeHome.content`. */
  async openHomeView(record: BootRecord, { scratchDirectory, signal }: HomeViewOptions): Promise<HomeView> {
    await this.act('openHomeView', signal)
    const { bootId, homeId } = record
    const home = this.machine.homes.get(homeId)
    if (home === undefined) throw new Error(`There is no home ${homeId}`)
    if (this.openViews.has(bootId)) throw new PilothouseError('operation_in_flight', 'There is a view already.')
    const isRunning = this.machine.guests.get(bootId) !== undefined
    const imagePath = join(scratchDirectory, `${bootId}.view`)
    await mkdir(scratchDirectory, { recursive: true })
    await writeFile(imagePath, home.content ?? '')
    this.openViews.add(bootId)
    this.seenInViews.set(imagePath, home)
    this.machine.views.put(bootId, { bootId })
    const consistency = isRunning ? this.viewConsistency : 'quiesced'
    const isQuiesced = consistency === 'quiesced'
    const close = (): Promise<void> => this.act('closeHomeView').then(() => this.removeView(bootId, imagePath))
    return { imagePath, consistency, isQuiesced, frozenMs: isRunning && isQuiesced ? 1 : null, close }
  }

  async dropHomeViews({ bootId }: BootRecord, { scratchDirectory, signal }: HomeViewOptions): Promise<void> {
    await this.act('dropHomeViews', signal)
    await this.removeView(bootId, join(scratchDirectory, `${bootId}.view`))
  }

  private async removeView(bootId: BootId, imagePath: string): Promise<void> {
    await rm(imagePath, { force: true })
    this.seenInViews.delete(imagePath)
    this.machine.views.delete(bootId)
    this.openViews.delete(bootId)
  }

  freeHomeBytes(): Promise<number> {
    return Promise.resolve(this.freeBytes)
  }

  async fillHome<T>(
    homeId: HomeId,
    { folder, signal }: HomeTreeOptions,
    work: (tree: HomeTree) => Promise<T>,
  ): Promise<T> {
    await this.act('fillHome', signal)
    const home = this.unusedHome(homeId)
    const tree = await layOut(folder, filesOf(home))
    try {
      const result = await work(tree)
      this.machine.homes.put(homeId, { ...without(home, ['content', 'files']), ...(await takeIn(tree.path)) })
      return result
    } finally {
      await tree.close()
    }
  }

  async verifyHome<T>(
    homeId: HomeId,
    { folder, signal }: HomeTreeOptions,
    look: (tree: HomeTree) => Promise<T>,
  ): Promise<T> {
    await this.act('verifyHome', signal)
    const tree = await layOut(folder, filesOf(this.unusedHome(homeId)))
    try {
      return await look(tree)
    } finally {
      await tree.close()
    }
  }

  private unusedHome(homeId: HomeId): FakeHome {
    const home = this.machine.homes.get(homeId)
    if (home === undefined) throw new DriverFailure('disk_failed', `There is no home ${homeId}.`)
    if (home.environmentId !== undefined)
      throw new DriverFailure('disk_failed', `A guest has had the home ${homeId} before.`)
    return home
  }

  async openViewTree({ imagePath }: HomeView, { folder, signal }: HomeTreeOptions): Promise<OpenHomeTree> {
    await this.act('openViewTree', signal)
    const seen = this.seenInViews.get(imagePath)
    if (seen === undefined) throw new PilothouseError('engine_failed', 'The view is closed.')
    return await layOut(folder, filesOf(seen))
  }

  async runInGuest({ bootId }: BootRecord, program: GuestProgram): Promise<GuestProgramResult> {
    await this.act('runInGuest', program.signal)
    const guest = this.machine.guests.get(bootId)
    if (guest === undefined) throw new PilothouseError('guest_gone', 'The guest is gone.')
    const home = this.machine.homes.get(guest.homeId) ?? { homeId: guest.homeId, sizeMiB: 0 }
    const nothing = { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
    return { ...nothing, ...this.onProgram(program, home) }
  }

  openConsoleInput(record: BootRecord): Promise<ConsoleInput> {
    const gone = () => this.machine.guests.get(record.bootId) === undefined
    if (gone()) return Promise.reject(new Error('The guest is gone'))
    return Promise.resolve({
      write: async (bytes) => {
        if (gone()) throw new Error('The guest is gone')
        await this.print(record, Buffer.from(bytes).toString('latin1').replaceAll('\r', '\r\n'))
      },
      close: () => undefined,
    })
  }

  private assertUnused(homeId: HomeId, what: 'grown' | 'removed'): void {
    const users = this.machine.guests.ids().filter((id) => this.machine.guests.get(id)?.homeId === homeId)
    if (users.length > 0) throw new Error(`The home ${homeId} was to be ${what} under a guest`)
  }

  async survey(signal: AbortSignal): Promise<HostSurvey> {
    await this.act('survey', signal)
    const { homes, guests, files } = this.machine
    const boots = [...new Set([...guests.ids(), ...files.ids()])]
    return {
      homes: homes.ids().map((id) => surveyHome(homes.get(id) ?? { homeId: id, sizeMiB: 0 })),
      boots: boots.map((id) => this.surveyBoot(id as BootId)),
      problems: [],
    }
  }

  private surveyBoot(bootId: BootId): SurveyedBoot {
    const guest = this.machine.guests.get(bootId)
    const homeId = (guest?.homeId ?? null) as HomeId | null
    const ids = { bootId, environmentId: 'env-00000000' as EnvironmentId, homeId: 'home-0000000000000000' as HomeId }
    const process = guest === undefined ? null : { pid: guest.pid, startTicks: '1' }
    const hasFiles = this.machine.files.get(bootId) !== undefined
    return { bootId, process, homeId, hasFiles, record: this.planBoot(ids) }
  }

  private isHomeWhole(homeId: HomeId): boolean {
    const home = this.machine.homes.get(homeId)
    return home !== undefined && home.isHalfMade !== true
  }

  private watchForExit(bootId: string, exited: AbortController): NodeJS.Timeout {
    return setInterval(() => {
      if (this.machine.guests.get(bootId) === undefined) exited.abort(exitedFailure())
    }, POLL_MS)
  }

  private async act(action: FakeAction, signal?: AbortSignal): Promise<void> {
    this.calls[action] += 1
    signal?.throwIfAborted()
    const gate = this.gates.get(action)
    if (gate !== undefined) await (gate.isDeaf ? gate.opened : Promise.race([gate.opened, aborted(signal)]))
    const ms = this.delayMs[action] ?? 0
    if (ms > 0) await Promise.race([delay(ms), aborted(signal)])
    const failure = this.failures.get(action)?.shift()
    if (failure !== undefined) throw failure
  }

  private async print({ journalPath }: BootRecord, text: string): Promise<void> {
    if (this.journalFolder === undefined) return
    await mkdir(dirname(journalPath), { recursive: true })
    await appendFile(journalPath, text, 'latin1')
  }
}

function surveyHome({ homeId, isHalfMade = false, environmentId }: FakeHome): SurveyedHome {
  const state = isHalfMade ? 'half_made' : 'whole'
  return {
    homeId: homeId as HomeId,
    state,
    bytes: HOME_BYTES,
    environmentId: (environmentId ?? null) as EnvironmentId | null,
  }
}

function exitedFailure(): DriverFailure {
  return new DriverFailure('guest_exited', 'The guest ended before it was ready.')
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted === true) reject(signal.reason as Error)
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
