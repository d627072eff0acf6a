import { stat } from 'node:fs/promises'
import { expect } from 'vitest'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { DriverFailure, type BootRecord, type BootSpec, type VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import {
  bootIdSchema,
  environmentIdSchema,
  homeIdSchema,
  type BootId,
  type EnvironmentId,
  type HomeId,
  type ImageRef,
} from '../../src-shared/model/ids.ts'

export const QUICK_STOP = { graceMs: 0, forceMs: 10_000 }
export const GRACEFUL_STOP = { graceMs: 15_000, forceMs: 10_000 }
export const GUEST_TEST_MS = 60_000
export const never = new AbortController().signal

const random = new SystemRandom()

/** One driver under test, and what the suite needs to hurt it. */
export interface DriverSubject {
  readonly driver: VmDriver
  readonly image: ImageRef
  /** Another driver on the same host state, as a restarted daemon has it. */
  restart(): Promise<VmDriver>
  /** Ends the guest as a crash would, without the driver. */
  crash(record: BootRecord): Promise<void>
  /** Makes guest and engine deaf, without ending them. Asked for of shell guests alone. */
  freeze(record: BootRecord): Promise<void>
  /** Sees to it that the agent of this boot never answers. Called before it starts. */
  silence(spec: BootSpec): Promise<void>
  /** Leaves `text` in a home that nobody uses, as a guest would. */
  leaveInHome(homeId: HomeId, text: string): Promise<void>
  /** What is in a home that nobody uses, and how large it is to a guest, in MiB. */
  lookIntoHome(homeId: HomeId): Promise<{ readonly sizeMiB: number; readonly text: string }>
  /** What the guest's command sees of what it was told; the command that is told says it. */
  toldTo(record: BootRecord): Promise<Told>
  /** Tries to change what the guest was told from within, by every way that the guest has. */
  changeTold(record: BootRecord): Promise<void>
  /** What `leaveInHome` has left, in the image of a view. */
  readFromView(imagePath: string): Promise<string>
  /** Where views are kept. */
  readonly scratchDirectory: string
  /** Where trees of homes are opened. */
  readonly roomFolder: string
  /** Has another daemon fill the home and be killed in the middle of it, at work in the tree. */
  dieFilling(homeId: HomeId): Promise<void>
  /** No mount, device or process is left that has to do with a home, guests apart. */
  expectNothingOpen(): Promise<void>
  remove(): Promise<void>
}

/** What a guest sees of what it is told. */
export interface Told {
  readonly variables: Readonly<Record<string, string>>
  /** By path. */
  readonly files: Readonly<Record<string, string>>
}

export interface DriverTraits {
  readonly makeSubject: () => Promise<DriverSubject>
  /** `shell`: the console is a real shell. `echo`: what is typed comes back in the journal, and nothing more. */
  readonly console: 'shell' | 'echo'
  readonly readyDeadlineMs: number
}

/** A guest that is planned; its home exists. */
export interface PlannedGuest {
  readonly spec: BootSpec
  readonly record: BootRecord
}

/** A new guest with a home, planned and not started. */
export async function planGuest(
  subject: Pick<DriverSubject, 'driver' | 'image'>,
  size: Partial<BootSpec['size']> = {},
): Promise<PlannedGuest> {
  const spec: BootSpec = {
    environmentId: newEnvironmentId(),
    bootId: newBootId(),
    homeId: newHomeId(),
    image: subject.image,
    size: { cpus: 1, memoryMiB: 128, homeMiB: 64, ...size },
    guestUid: 200_000 + Math.floor(random.fraction() * 1_000_000),
    startup: null,
  }
  await subject.driver.createHome(spec.homeId, spec.size.homeMiB, never)
  return { spec, record: subject.driver.planBoot(spec) }
}

export async function startAndWait(driver: VmDriver, guest: PlannedGuest, traits: DriverTraits): Promise<void> {
  await driver.startGuest(guest.spec, guest.record, never)
  await driver.waitUntilReady(guest.record, traits.readyDeadlineMs, never)
}

/** No process, and none of the paths that the record names; the journal may stay. */
export async function expectNothingLeft(driver: VmDriver, record: BootRecord): Promise<void> {
  expect(await driver.inspectGuest(record)).toMatchObject({ kind: 'gone' })
  for (const path of Object.values(record.handles).filter((handle) => handle.startsWith('/')))
    expect(await stat(path).catch(() => 'absent'), path).toBe('absent')
}

export async function failureOf(promise: Promise<unknown>): Promise<DriverFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DriverFailure)
  return error as DriverFailure
}

export function newEnvironmentId(): EnvironmentId {
  return environmentIdSchema.parse(`env-${random.hex(4)}`)
}

export function newBootId(): BootId {
  return bootIdSchema.parse(`boot-${random.hex(8)}`)
}

export function newHomeId(): HomeId {
  return homeIdSchema.parse(`home-${random.hex(8)}`)
}
