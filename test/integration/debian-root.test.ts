import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgentClient } from '../../host-daemon/drivers/qemu/agent-client.ts'
import { buildImage } from '../../host-daemon/images/build-image.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { DaemonCalls } from '../../scripts/demo/daemon-calls.ts'
import { GuestShell } from '../../scripts/demo/guest-shell.ts'
import { fromRoot } from '../../scripts/lib/paths.ts'
import { until } from '../../scripts/lib/until.ts'
import { runInView } from '../../scripts/private-host/view.ts'
import type { DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import {
  environmentNameSchema,
  imageRefSchema,
  ownerNameSchema,
  recoveryPointRefSchema,
  type EnvironmentId,
} from '../../src-shared/model/ids.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import { processesWith } from '../support/kill-points.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'
import { testCacheDirectory } from '../support/qemu-fixture.ts'
import { linkTo } from '../support/ssh-link.ts'

/** The first time the image is built: packages are fetched and installed. */
const BUILD_MS = 900_000
/** Two boots of a whole system at most, on a machine that is busy with others. */
const GUEST_TEST_MS = 420_000
/** The guest's own bound is 8 s; what a busy machine adds to it is not the guest's. */
const THAWED_BY_ITSELF_MS = 60_000
const UNSCHEDULED = { intervalMinutes: null, keep: { last: 5 }, freshnessMinutes: null, drillIntervalHours: null }
const LATEST = recoveryPointRefSchema.parse('latest')

/** A guest that runs a distribution's own systemd and agent, from its spawn to the proof of its point. */
describe('an environment on the Debian image', () => {
  const written = randomBytes(16).toString('hex')
  let host: TestHost
  let link: DaemonLink
  let calls: DaemonCalls
  let environment: EnvironmentId
  let shell: GuestShell | undefined

  beforeAll(async () => {
    host = await startTestHost({
      image: 'debian',
      settings: { deadlines: { spawnReadyMs: 240_000, stopGraceMs: 60_000 } },
    })
    await connect()
    const spawn = {
      commandId: calls.commandId(),
      name: environmentNameSchema.parse('whole'),
      owner: ownerNameSchema.parse('local'),
      image: imageRefSchema.parse('debian@1'),
      size: { memoryMiB: 512, homeMiB: 64 },
      startup: { command: 'echo "$WHO was here" > told', variables: { WHO: "it's me" }, files: [] },
    }
    const accepted = await calls.client.environments.spawn(spawn, calls.options)
    environment = accepted.environmentId
    await calls.ended(accepted)
    await calls.client.backups.setPolicy({ environment, policy: UNSCHEDULED }, calls.options)
  }, BUILD_MS)
  afterAll(async () => {
    shell?.close()
    link.dispose()
    await host.dispose()
  }, 60_000)

  async function connect(): Promise<void> {
    link = await linkTo(host, 'admin')
    calls = new DaemonCalls(link)
  }
  /** What the shell of the present boot prints for it. */
  async function ask(command: string): Promise<string> {
    shell?.close()
    shell = new GuestShell(link, await calls.running(environment))
    return shell.ask(command)
  }
  async function backUp(): Promise<OperationResult | null> {
    const input = { commandId: calls.commandId(), environment }
    return (await calls.ended(await calls.client.backups.now(input, calls.options))).result
  }
  async function askAgent<T>(work: (agent: AgentClient) => Promise<T>): Promise<T> {
    const run = join(host.host.layout.state, 'run')
    const [boot = ''] = await readdir(run)
    const signal = AbortSignal.timeout(THAWED_BY_ITSELF_MS)
    const agent = await AgentClient.open(join(run, boot, 'agent'), {
      clock: new SystemClock(),
      firstSyncId: randomInt(1_000_000, 2_000_000_000),
      signal,
    })
    return await work(agent).finally(() => agent.close())
  }

  it(
    'runs systemd to its end, on the home and as who it says',
    async () => {
      expect(await ask('systemctl is-system-running --wait')).toBe('running')
      expect(await ask('cat /proc/1/comm; systemctl --failed --no-legend; hostname; cat /home/told')).toBe(
        `systemd\n${environment}\nit's me was here`,
      )
      expect(await ask('findmnt -no FSTYPE /; findmnt -no FSTYPE,LABEL /home')).toBe('overlay\next4   home')
      expect(await ask('cmp /etc/machine-id /home/.machine-id && wc -c < /etc/machine-id')).toBe('33')
    },
    GUEST_TEST_MS,
  )

  it(
    'is backed up at rest while it runs, and given back as it was',
    async () => {
      const machineId = await ask(`printf ${written} > /home/figures; cat /etc/machine-id`)
      expect(await backUp()).toMatchObject({ kind: 'backup', consistency: 'quiesced', unreadableCount: 0 })
      expect(await ask('rm -f /home/figures; sync; [ -e /home/figures ] || echo gone')).toBe('gone')
      const { plan, run } = calls.client.restore
      const ofPoint: Parameters<DaemonCalls['confirmed']>[0] = {
        plan: (input, options) => plan({ ...input, point: LATEST }, options),
        run,
      }
      await calls.confirmed(ofPoint, environment)
      expect(await ask('cat /home/figures; echo; cat /etc/machine-id')).toBe(`${written}\n${machineId}`)
    },
    GUEST_TEST_MS,
  )

  it(
    'has a point that is proved by a guest of its own',
    async () => {
      const input = { commandId: calls.commandId(), environment, point: LATEST }
      const { result } = await calls.ended(await calls.client.drill(input, calls.options))
      if (result?.kind !== 'drill') throw new Error('There is no such result.')
      expect(result.checks.filter(({ isPassed }) => !isPassed)).toEqual([])
      expect(result.checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['boots', 'check command', 'hashes']),
      )
      expect(result.isPassed).toBe(true)
    },
    GUEST_TEST_MS,
  )

  it(
    'left frozen by a daemon that is killed, thaws by itself, and its agent with it',
    async () => {
      shell?.close()
      await host.killDaemon()
      expect(await askAgent((agent) => agent.freeze())).toBeGreaterThan(0)
      expect(await askAgent((agent) => agent.isFrozen())).toBe(true)
      const isThawed = (): Promise<boolean> => askAgent(async (agent) => !(await agent.isFrozen())).catch(() => false)
      await until(isThawed, { deadlineMs: THAWED_BY_ITSELF_MS, what: 'the guest to thaw by itself', intervalMs: 500 })
      await host.restartDaemon()
      link.dispose()
      await connect()
      expect(await ask('date > /home/after; sync; cat /home/figures')).toBe(written)
      expect(await backUp()).toMatchObject({ consistency: 'quiesced' })
    },
    GUEST_TEST_MS,
  )

  it(
    'has an image that is not built again while nothing of it has changed',
    async () => {
      expect(await host.host.buildImage('debian')).toMatch(/^debian@1 up to date [0-9a-f]{64}$/m)
    },
    GUEST_TEST_MS,
  )

  it(
    'powers off by itself when it is asked to stop',
    async () => {
      const { bootId } = await calls.running(environment)
      const input = { commandId: calls.commandId(), environment }
      await calls.ended(await calls.client.environments.stop(input, calls.options))
      const { layout } = host.host
      const journal = layout.inView(join(layout.state, 'consoles', `${bootId}.log`))
      expect(await runInView(layout, ['tail', '-c', '600', journal], 10_000)).toMatch(/System Power Off[^]*Power down/)
    },
    GUEST_TEST_MS,
  )
})

describe('building the Debian image', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-debian-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it(
    'leaves no file, no mount and no process when it is aborted in the middle of installing',
    async () => {
      const [reason, controller] = [new Error('not wanted any more'), new AbortController()]
      const imagesDirectory = join(folder, 'images')
      const building = buildImage('debian', {
        recipesDirectory: fromRoot('resources', 'images'),
        imagesDirectory,
        packageCacheDirectory: join(testCacheDirectory(), 'packages'),
        clock: new SystemClock(),
        ownPid: process.pid,
        signal: controller.signal,
      })
      const outcome = building.catch((error: unknown) => error)
      const isOfBuild = (word: string): boolean => word.includes(folder)
      const isInstalling = (): boolean =>
        processesWith((words) => words[0] === 'dpkg' && words.some(isOfBuild)).length > 0
      await until(isInstalling, { deadlineMs: BUILD_MS, what: 'packages to be installed', intervalMs: 10 })
      controller.abort(reason)
      expect(await outcome).toBe(reason)
      expect(await readdir(imagesDirectory)).toEqual([])
      expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
      const isOver = (): boolean => processesWith((words) => words.some(isOfBuild)).length === 0
      await until(isOver, { deadlineMs: 10_000, what: 'its processes to be gone' })
    },
    BUILD_MS,
  )
})
