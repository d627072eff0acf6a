import type { DriftItem } from '../../src-shared/model/drift.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostSurvey, SurveyedBoot, SurveyedHome, VmDriver } from '../drivers/vm-driver.ts'
import type { Toolkit } from '../environments/toolkit.ts'
import { readHoldings, recordedOwner, type Holdings, type RecordedAs } from '../store/holdings.ts'
import { TimeLimit } from '../system/time-limit.ts'

/** One leftover, and the means to remove it. */
export interface Leftover {
  readonly item: DriftItem
  /** Idempotent; resolves when nothing of it is left. */
  readonly remove: () => Promise<unknown>
  /** Tells the record that it is gone, in the transaction that says so; absent where the record knows nothing of it. */
  readonly settle?: (at: number) => void
}

export interface Drift {
  readonly surveyedAt: number
  /** In the order in which they can be removed: guests before the homes that they use. */
  readonly leftovers: readonly Leftover[]
  /** What could not be looked at, a sentence each. */
  readonly problems: readonly string[]
}

/**
 * Looks at the host now and holds it against the record. What the record accounted for before the look, or does after
 * it, is no leftover: operations make and remove things meanwhile.
 */
export async function findDrift(toolkit: Toolkit, signal: AbortSignal): Promise<Drift> {
  const { store, clock, drivers } = toolkit
  const surveyedAt = clock.now()
  const before = readHoldings(store.db)
  const surveys = await Promise.all(drivers.all().map((driver) => surveyOf(driver, signal)))
  signal.throwIfAborted()
  const look: Look = { toolkit, holdings: [before, readHoldings(store.db)], surveys }
  const leftovers = surveys.flatMap(({ driver, homes, boots }) => [
    ...boots.map((boot) => bootLeftover(look, { driver, boot })),
    ...homes.map((home) => homeLeftover(look, { driver, home })),
  ])
  const found = leftovers.filter((leftover) => leftover !== undefined)
  const problems = [...surveys.flatMap((survey) => survey.problems), ...recordProblems(toolkit)]
  return { surveyedAt, leftovers: found, problems }
}

interface DriverSurvey extends HostSurvey {
  readonly driver: VmDriver
}

interface Look {
  readonly toolkit: Toolkit
  readonly holdings: readonly Holdings[]
  readonly surveys: readonly DriverSurvey[]
}

async function surveyOf(driver: VmDriver, signal: AbortSignal): Promise<DriverSurvey> {
  try {
    return { driver, ...(await driver.survey(signal)) }
  } catch (error) {
    signal.throwIfAborted()
    const says = error instanceof Error ? error.message : String(error)
    return {
      driver,
      homes: [],
      boots: [],
      problems: [`What the driver ${driver.kind} has could not be found out: ${says}`],
    }
  }
}

function recordProblems({ store }: Toolkit): string[] {
  const unnamed = [
    { count: store.environments.countNameless(), says: 'environments without a proper id, whose homes are kept' },
    { count: store.owners.countNameless(), says: 'owners without a proper name, who are in no list' },
  ]
  return unnamed
    .filter(({ count }) => count > 0)
    .map(({ count, says }) => `The record is malformed: ${says}: ${count}.`)
}

interface FoundBoot {
  readonly driver: VmDriver
  readonly boot: SurveyedBoot
}

const BOOT_ON_RECORD: Readonly<Record<RecordedAs, string>> = {
  own: 'which is over on record',
  scratch: 'the guest of a drill that is over',
  unknown: 'which is not on record',
}

function bootLeftover({ toolkit, holdings }: Look, { driver, boot }: FoundBoot): Leftover | undefined {
  const { bootId, process, record, homeId, hasFiles } = boot
  if (holdings.some(({ boots }) => boots.has(bootId)) || (process === null && !hasFiles)) return undefined
  const { recordedAs, environmentId } = recordedOwner(toolkit.store.db, { boot: bootId })
  const whose = `${bootId}, ${BOOT_ON_RECORD[recordedAs]}`
  const uses = homeId === null ? '' : `, with the home ${homeId}`
  const common = { environmentId, bytes: null }
  const deadlines = { graceMs: 0, forceMs: toolkit.deadlines.stopForceMs }
  const { scratchGuests } = toolkit.store
  const means = {
    remove: () => driver.stopGuest(record, deadlines),
    settle: (at: number) => scratchGuests.setGuestGone(bootId, at),
  }
  if (process === null) {
    const detail = `Sockets and files of the boot ${whose}.`
    return { item: { ...common, id: `boot_files:${bootId}`, kind: 'boot_files', detail, holdsData: false }, ...means }
  }
  const detail = `A guest runs as process ${process.pid} for the boot ${whose}${uses}.`
  return { item: { ...common, id: `guest:${bootId}`, kind: 'guest', detail, holdsData: true }, ...means }
}

interface FoundHome {
  readonly driver: VmDriver
  readonly home: SurveyedHome
}

function homeLeftover(look: Look, { driver, home }: FoundHome): Leftover | undefined {
  const { homeId, state, bytes } = home
  if (look.holdings.some(({ homes }) => homes.has(homeId))) return undefined
  const { recordedAs, environmentId: recorded } = recordedOwner(look.toolkit.store.db, { home: homeId })
  const kind = state === 'half_made' ? 'half_made_home' : recordedAs === 'own' ? 'removed_home' : 'home'
  const environmentId = recorded ?? home.environmentId
  const detail = homeDetail(home, environmentId, recordedAs)
  const item = { id: `${kind}:${homeId}`, kind, environmentId, detail, bytes, holdsData: state === 'whole' } as const
  return { item, remove: () => removeHome(look.toolkit, { driver, home }) }
}

function homeDetail({ homeId, state }: SurveyedHome, environmentId: string | null, recordedAs: RecordedAs): string {
  const whose = environmentId === null ? 'nobody knows which environment' : environmentId
  if (state === 'half_made') return `The home ${homeId} was being made for ${whose} when that was interrupted.`
  if (state === 'remains') return `Of the removed home ${homeId} of ${whose}, only its note is left.`
  if (recordedAs === 'own') return `The home ${homeId} of ${whose}, which was destroyed, is still there.`
  if (recordedAs === 'scratch')
    return `The home ${homeId}, filled with a point of ${whose} for a drill or for files that were restored, is still there.`
  return `The home ${homeId} of ${whose} is not on record.`
}

/** The host is looked at once more: a home that came on record, or that a guest uses, stays. */
async function removeHome(toolkit: Toolkit, { driver, home: { homeId } }: FoundHome): Promise<void> {
  using limit = new TimeLimit(toolkit.clock, toolkit.deadlines.homeMs)
  const { boots } = await driver.survey(limit.signal)
  const user = boots.find((boot) => boot.process !== null && boot.homeId === homeId)
  if (user !== undefined) throw new PilothouseError('wrong_state', `The guest of ${user.bootId} still uses it.`)
  if (readHoldings(toolkit.store.db).homes.has(homeId)) throw new PilothouseError('wrong_state', 'It is on record now.')
  await driver.destroyHome(homeId)
}
