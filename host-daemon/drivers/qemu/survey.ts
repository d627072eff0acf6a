import {
  bootIdSchema,
  homeIdSchema,
  type BootId,
  type EnvironmentId,
  type HomeId,
} from '../../../src-shared/model/ids.ts'
import { namesIn } from '../../system/folders.ts'
import { isSameFile, requireFacts } from '../../system/presence.ts'
import { identifyProcess, processArguments } from '../../system/processes.ts'
import type { BootRecord, GuestProcess, HostSurvey, SurveyedBoot, SurveyedHome } from '../vm-driver.ts'
import { guestName } from './find-guest.ts'
import { handlesOf, homeImagePath, planBoot } from './handles.ts'
import { readSidecar } from './homes.ts'
import { textOf } from './inspect-guest.ts'
import type { QemuDriverOptions } from './options.ts'

const BLOCK_BYTES = 512
const HOME_FILE = /^(home-[0-9a-f]{16})(\.img|\.img\.making|\.json)$/
const OUTPUT_FILE = /^(boot-[0-9a-f]{16})\.stderr$/
const GUEST_NAME = /^pilothouse-(boot-[0-9a-f]{16})$/
const HOME_DRIVE = /^if=none,id=home,.*\/(home-[0-9a-f]{16})\.img$/

type Folders = Pick<QemuDriverOptions, 'runDirectory' | 'homesDirectory' | 'journalDirectory' | 'clock'>

interface Survey {
  readonly folders: Folders
  readonly signal: AbortSignal
  /** What could not be looked at; grows. */
  readonly problems: string[]
}

/** See `VmDriver.survey`. */
export async function survey(folders: Folders, signal: AbortSignal): Promise<HostSurvey> {
  const looking: Survey = { folders, signal, problems: [] }
  const [homes, boots] = await Promise.all([surveyHomes(looking), surveyBoots(looking)])
  signal.throwIfAborted()
  return { homes, boots, problems: looking.problems }
}

async function surveyHomes(looking: Survey): Promise<SurveyedHome[]> {
  const names = await namesFound(looking, looking.folders.homesDirectory)
  const ids = new Set(names.map((name) => HOME_FILE.exec(name)?.[1]).filter((id) => id !== undefined))
  const present = new Set(names)
  const homes = [...ids].map((id) => surveyHome(looking, { homeId: homeIdSchema.parse(id), present }))
  return await Promise.all(homes)
}

async function surveyHome(
  { folders, problems }: Survey,
  { homeId, present }: { readonly homeId: HomeId; readonly present: ReadonlySet<string> },
): Promise<SurveyedHome> {
  const image = homeImagePath(folders.homesDirectory, homeId)
  const state = present.has(`${homeId}.img`) ? 'whole' : present.has(`${homeId}.img.making`) ? 'half_made' : 'remains'
  const environmentId = (await readSidecar(folders, homeId))?.environmentId ?? null
  const facts = { homeId, state, environmentId } as const
  if (state === 'remains') return { ...facts, bytes: null }
  try {
    const { blocks } = await requireFacts(state === 'whole' ? image : `${image}.making`)
    return { ...facts, bytes: blocks * BLOCK_BYTES }
  } catch (error) {
    problems.push(`How much the home ${homeId} takes could not be found out: ${textOf(error)}`)
    return { ...facts, bytes: null }
  }
}

async function surveyBoots(looking: Survey): Promise<SurveyedBoot[]> {
  const { folders } = looking
  const [running, outputs, guests] = await Promise.all([
    namesFound(looking, folders.runDirectory),
    namesFound(looking, folders.journalDirectory),
    findGuests(looking),
  ])
  const withFolder = running.filter((name) => bootIdSchema.safeParse(name).success)
  const withOutput = outputs.map((name) => OUTPUT_FILE.exec(name)?.[1]).filter((id) => id !== undefined)
  const withFiles = new Set([...withFolder, ...withOutput])
  const ids = new Set([...withFiles, ...guests.keys()])
  return [...ids].map((id) => {
    const bootId = bootIdSchema.parse(id)
    const { process = null, homeId = null } = guests.get(bootId) ?? {}
    return { bootId, process, homeId, hasFiles: withFiles.has(bootId), record: recordOf(bootId, folders) }
  })
}

interface FoundGuest {
  readonly bootId: BootId
  readonly process: GuestProcess
  readonly homeId: HomeId | null
}

/** Living guests of this driver's own folders: other daemons of the host have guests too. */
async function findGuests(looking: Survey): Promise<Map<BootId, FoundGuest>> {
  const pids = (await namesFound(looking, '/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map((pid) => guestAt(looking, pid)))
  return new Map(found.filter((guest) => guest !== undefined).map((guest) => [guest.bootId, guest]))
}

async function guestAt(looking: Survey, pid: number): Promise<FoundGuest | undefined> {
  try {
    const before = await identifyProcess(pid)
    const args = (before === undefined ? undefined : await processArguments(pid)) ?? []
    const [, id] = GUEST_NAME.exec(guestName(args) ?? '') ?? []
    if (id === undefined) return undefined
    const bootId = bootIdSchema.parse(id)
    const { pidFile } = handlesOf(recordOf(bootId, looking.folders))
    if (!args.includes(pidFile) || !(await seesOwnFolder(looking, pid))) return undefined
    // The same process before and after, or the arguments were another's.
    const process = await identifyProcess(pid)
    if (process === undefined || process.startTicks !== before?.startTicks) return undefined
    return { bootId, process, homeId: homeIn(args) }
  } catch (error) {
    looking.problems.push(`Process ${pid} could not be looked at: ${textOf(error)}`)
    return undefined
  }
}

/** By the same path another mount namespace may have another folder, and another daemon's guests in it. */
async function seesOwnFolder({ folders }: Survey, pid: number): Promise<boolean> {
  return await isSameFile(folders.runDirectory, `/proc/${pid}/root${folders.runDirectory}`)
}

function homeIn(args: readonly string[]): HomeId | null {
  const id = args.map((arg) => HOME_DRIVE.exec(arg)?.[1]).find((found) => found !== undefined)
  return id === undefined ? null : homeIdSchema.parse(id)
}

/** Every name of a boot derives from its own id; the others are only there to complete the record. */
function recordOf(bootId: BootId, folders: Folders): BootRecord {
  const [environmentId, homeId] = ['env-00000000' as EnvironmentId, 'home-0000000000000000' as HomeId]
  return planBoot({ bootId, environmentId, homeId }, folders)
}

async function namesFound({ problems, signal }: Survey, folder: string): Promise<string[]> {
  signal.throwIfAborted()
  try {
    return await namesIn(folder)
  } catch (error) {
    problems.push(`${folder} could not be read: ${textOf(error)}`)
    return []
  }
}
