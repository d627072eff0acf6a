import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, rm, symlink } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import {
  consoleInputPath,
  consoleOutputPath,
  handlesOf,
  homeImagePath,
  planBoot,
} from '../../../host-daemon/drivers/qemu/handles.ts'
import { qemuArguments, type Accelerator } from '../../../host-daemon/drivers/qemu/qemu-arguments.ts'
import type { BootSpec } from '../../../host-daemon/drivers/vm-driver.ts'
import type { GuestImage } from '../../../host-daemon/images/catalogue.ts'
import { run } from '../../../scripts/lib/run.ts'
import type { BootId, EnvironmentId, HomeId } from '../../../src-shared/model/ids.ts'
import type { EnvironmentSize } from '../../../src-shared/model/environment.ts'

const POLL_MS = 10
const READY_DEADLINE_MS = 120_000
const MIB = 1024 * 1024
/** What the driver makes a home with. */
const MKFS = [
  'mkfs.ext4',
  '-q',
  '-F',
  '-m',
  '0',
  '-L',
  'home',
  '-E',
  'nodiscard,lazy_itable_init=1,root_owner=0:0',
  '--',
]

export interface BareQemuOptions {
  /** On the same file system as the daemon's state. */
  readonly folder: string
  readonly image: GuestImage
  readonly accelerator: Accelerator
  readonly size: EnvironmentSize
}

/**
 * The same guest without us: makes the same home with mkfs.ext4, starts QEMU with the driver's own arguments, and asks
 * the same agent every 10 ms until it answers. Answers with the milliseconds from the first to the last of these.
 */
export async function measureBareQemu(options: BareQemuOptions, hex: (bytes: number) => string): Promise<number> {
  const bare = await prepareBare(options, hex)
  let guest: ChildProcess | undefined
  try {
    const startedAt = performance.now()
    await makeHome(bare.homeImage, options.size.homeMiB)
    guest = startBare(bare)
    await untilAgentAnswers(bare.handles.agentSocket, guest)
    return performance.now() - startedAt
  } finally {
    await removeBare(bare, guest)
  }
}

/**
 * The same guest, up and running, powered off by its power button and started again on its home until the same agent
 * answers: the milliseconds from the press to the answer.
 */
export async function measureBareReboot(options: BareQemuOptions, hex: (bytes: number) => string): Promise<number> {
  const bare = await prepareBare(options, hex)
  let guest: ChildProcess | undefined
  try {
    await makeHome(bare.homeImage, options.size.homeMiB)
    guest = startBare(bare)
    await untilAgentAnswers(bare.handles.agentSocket, guest)
    const startedAt = performance.now()
    const exited = once(guest, 'exit')
    await pressPower(bare.handles.qmpSocket)
    await exited
    guest = startBare(bare)
    await untilAgentAnswers(bare.handles.agentSocket, guest)
    return performance.now() - startedAt
  } finally {
    await removeBare(bare, guest)
  }
}

type Bare = Awaited<ReturnType<typeof prepareBare>>

/** Folders, names and arguments; nothing of it is timed. */
async function prepareBare(options: BareQemuOptions, hex: (bytes: number) => string) {
  const spec: BootSpec = {
    environmentId: `env-${hex(4)}` as EnvironmentId,
    bootId: `boot-${hex(8)}` as BootId,
    homeId: `home-${hex(8)}` as HomeId,
    image: options.image.ref,
    size: options.size,
    guestUid: 0,
    startup: null,
  }
  const folders = { runDirectory: options.folder, homesDirectory: options.folder, journalDirectory: options.folder }
  const record = planBoot(spec, folders)
  const handles = handlesOf(record)
  const homeImage = homeImagePath(options.folder, spec.homeId)
  await mkdir(handles.bootDirectory)
  await run(['mkfifo', consoleInputPath(handles)])
  await symlink('/dev/null', consoleOutputPath(handles))
  const { image, accelerator } = options
  return { handles, homeImage, record, args: qemuArguments({ spec, record, image, accelerator, homeImage }) }
}

function startBare({ args }: Bare): ChildProcess {
  return spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function removeBare({ handles, homeImage, record }: Bare, guest: ChildProcess | undefined): Promise<void> {
  await end(guest)
  for (const path of [handles.bootDirectory, homeImage, record.journalPath])
    await rm(path, { recursive: true, force: true })
}

async function pressPower(path: string): Promise<void> {
  const socket = await connected(path, performance.now() + READY_DEADLINE_MS)
  socket.on('error', () => undefined)
  // Unread, its end would never be seen.
  socket.resume()
  for (const execute of ['qmp_capabilities', 'system_powerdown']) socket.write(`${JSON.stringify({ execute })}\n`)
  await once(socket, 'close')
}

async function makeHome(path: string, sizeMiB: number): Promise<void> {
  const file = await open(path, 'w', 0o600)
  await file.truncate(sizeMiB * MIB)
  await file.close()
  await run([...MKFS, path])
}

async function untilAgentAnswers(path: string, guest: ChildProcess): Promise<void> {
  const end = performance.now() + READY_DEADLINE_MS
  const socket = await connected(path, end)
  try {
    let hasAnswered = false as boolean
    socket.on('data', () => (hasAnswered = true))
    socket.on('error', () => undefined)
    for (let id = 1; !hasAnswered; id += 1) {
      if (guest.exitCode !== null || performance.now() >= end) throw new Error('the bare guest did not become ready')
      socket.write(`${JSON.stringify({ execute: 'guest-sync', arguments: { id } })}\n`)
      await delay(POLL_MS)
    }
  } finally {
    socket.destroy()
  }
}

async function connected(path: string, end: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ path })
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if (performance.now() >= end) throw error
    }
    await delay(POLL_MS)
  }
}

async function end(guest: ChildProcess | undefined): Promise<void> {
  if (guest === undefined || guest.exitCode !== null) return
  const exited = once(guest, 'exit')
  guest.kill('SIGKILL')
  await exited
}
