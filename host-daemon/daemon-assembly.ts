import type { Clock, RandomSource } from '../src-shared/lib/clock.ts'
import type { Image } from '../src-shared/model/image.ts'
import type { ImageRef, RecoveryPointRef } from '../src-shared/model/ids.ts'
import type { Services } from './api/services.ts'
import { ActivityService } from './activity/activity-service.ts'
import { BackupScheduler } from './backups/backup-scheduler.ts'
import { BackupService } from './backups/backup-service.ts'
import { backupOperations } from './backups/definitions.ts'
import type { Repositories } from './backups/point-repository.ts'
import { RecordedProtection } from './backups/recorded-protection.ts'
import type { RecoveryFolders, RecoveryToolkit } from './backups/recovery-toolkit.ts'
import type { DaemonOptions, DaemonOptionsInput } from './daemon-options.ts'
import { DriftService } from './drift/drift-service.ts'
import type { VmDriver } from './drivers/vm-driver.ts'
import { environmentOperations } from './environments/definitions.ts'
import { Adoption } from './environments/adoption.ts'
import { AutomaticRecovery } from './environments/automatic-recovery.ts'
import { BootAges } from './environments/boot-ages.ts'
import { DriverSet } from './environments/driver-set.ts'
import { EnvironmentService } from './environments/environment-service.ts'
import { OwnerService } from './environments/owner-service.ts'
import { Reconciler } from './environments/reconciler.ts'
import { recover } from './environments/recover-command.ts'
import { StoreBootDirectory } from './environments/store-boot-directory.ts'
import { Tickets } from './environments/tickets.ts'
import type { Toolkit } from './environments/toolkit.ts'
import { EnvironmentViews } from './environments/views.ts'
import { EventHub } from './events/event-hub.ts'
import { imageRecoveryOf, type ImageRecovery } from './images/image-recovery.ts'
import { OperationEngine } from './operations/engine.ts'
import { Turns } from './operations/turns.ts'
import { restoreOperations } from './restores/definitions.ts'
import { acceptDrill } from './restores/drill-command.ts'
import { UndoExpiry } from './restores/expiry.ts'
import { forgetGoneScratches } from './restores/left-scratches.ts'
import { RestoreService } from './restores/restore-service.ts'
import type { Database } from './store/database.ts'
import { createStore, type Store } from './store/store.ts'
import type { Logger } from './system/logger.ts'
import { ownUid } from './system/process-surroundings.ts'
import { SharedTurns } from './system/shared-turns.ts'

export interface DaemonDeps {
  readonly databasePath: string
  readonly options: DaemonOptionsInput
  /** The first is the default. */
  readonly drivers: readonly VmDriver[]
  readonly images: {
    list(): Promise<Image[]>
    isUsable(ref: ImageRef): Promise<boolean>
    /** What holds of any image, where it is not given. */
    recoveryOf?(ref: ImageRef): Promise<ImageRecovery>
  }
  /** Where recovery points are, and the daemon's own folders for working with them. */
  readonly repositories: Repositories
  readonly folders: RecoveryFolders
  readonly clock: Clock
  readonly random: RandomSource
  readonly logger: Logger
}

interface AssemblyDeps extends Omit<DaemonDeps, 'options'> {
  readonly db: Database
  readonly options: DaemonOptions
}

/** The daemon's parts, put together. */
export interface Assembly {
  readonly store: Store
  readonly drivers: DriverSet
  readonly engine: OperationEngine
  readonly adoption: Adoption
  readonly reconciler: Reconciler
  readonly hub: EventHub
  readonly owners: OwnerService
  readonly recovery: AutomaticRecovery
  readonly expiry: UndoExpiry
  /** To be done again and again. */
  readonly upkeep: { readonly intervalMs: number; readonly work: () => Promise<void> }
  readonly scheduler: BackupScheduler
  readonly services: Omit<Services, 'describe'>
}

/** Newest operations in a snapshot beside those running. */
const SNAPSHOT_OPERATIONS = 100
const RUNNING_OPERATIONS = 10_000

export function assemble(deps: AssemblyDeps): Assembly {
  const { clock, images } = deps
  const toolkit = recoveryToolkitOf(deps, toolkitOf(deps))
  const { store, drivers } = toolkit
  const views = new EnvironmentViews(store, clock)
  const onPassed = () => recovery.look()
  const reconciler = new Reconciler(toolkit, views, { ...reconcilerOptions(deps.options), onPassed })
  const adoption = adoptionOf(deps, toolkit)
  const engine = engineOf(deps, toolkit, {
    onEnded: (id) => void reconciler.lookAt(id),
    onUnrecorded: (id) => hub.publishOperation(id),
  })
  const recovery = recoveryOf(deps, toolkit, engine)
  const backups = new BackupService({ recovery: toolkit, engine })
  const scheduler = schedulerOf(deps, toolkit, engine)
  const hub = hubOf(deps, { engine, views, store, backups })
  const tickets = new Tickets({ store, clock, random: deps.random, lifetimeMs: deps.options.ticketLifetimeMs })
  const environments = environmentsOf(deps, { toolkit, engine, views, tickets })
  const owners = new OwnerService({ store, clock })
  const boots = new StoreBootDirectory(store, drivers)
  const activity = new ActivityService(store)
  const drift = new DriftService({ toolkit, hostName: deps.options.hostName, tickets })
  const restores = restoresOf(deps, { toolkit, engine, tickets })
  const expiry = new UndoExpiry(toolkit, engine)
  const upkeep = { intervalMs: toolkit.settings.tickMs, work: () => forgetGoneScratches(toolkit) }
  const recovered = { backups, restores }
  const services = {
    environments,
    operations: engine,
    owners,
    activity,
    drift,
    events: hub,
    boots,
    images,
    clock,
    ...recovered,
  }
  return { store, drivers, engine, adoption, reconciler, recovery, scheduler, expiry, upkeep, hub, owners, services }
}

function toolkitOf({ db, clock, random, logger, drivers, options }: AssemblyDeps): Toolkit {
  const store = createStore(db)
  return {
    store,
    clock,
    random,
    logger,
    drivers: new DriverSet(drivers),
    turns: new Turns(options.maxConcurrentStarts),
    deadlines: options.deadlines,
    bootAges: new BootAges(clock),
    protection: new RecordedProtection({ store, clock, logger }),
  }
}

function recoveryToolkitOf(deps: AssemblyDeps, toolkit: Toolkit): RecoveryToolkit {
  const { options, repositories, folders, images } = deps
  const { hostName, recovery: settings } = options
  const slots = new Turns(settings.maxConcurrent)
  const own = { slots, uses: new SharedTurns(), readers: new SharedTurns(), uid: ownUid() }
  const recoveryOf = async (ref: ImageRef) => (await images.recoveryOf?.(ref)) ?? imageRecoveryOf(undefined)
  return { ...toolkit, hostName, repositories, folders, settings, recoveryOf, ...own }
}

function restoresOf(
  { options, images }: AssemblyDeps,
  parts: { readonly toolkit: RecoveryToolkit; readonly engine: OperationEngine; readonly tickets: Tickets },
): RestoreService {
  const { hostName, capacity } = options
  return new RestoreService({
    recovery: parts.toolkit,
    dangerous: { ...parts, hostName, capacity },
    limits: limitsOf(options),
    isImageUsable: (image) => images.isUsable(image),
  })
}

function schedulerOf({ options, images }: AssemblyDeps, recovery: RecoveryToolkit, engine: OperationEngine) {
  const drilling = {
    recovery,
    engine,
    limits: limitsOf(options),
    isImageUsable: (ref: ImageRef) => images.isUsable(ref),
  }
  return new BackupScheduler({
    recovery,
    engine,
    drill: (caller, input, onAccepting) =>
      acceptDrill({ ...drilling, onAccepting }, caller, { ...input, point: 'latest' as RecoveryPointRef }),
  })
}

function limitsOf({ sizeLimit: size, capacity, guestUidBase: uidBase, guestUidCount: uidCount }: DaemonOptions) {
  return { size, capacity, uidBase, uidCount }
}

function recoveryOf({ options }: AssemblyDeps, toolkit: Toolkit, engine: OperationEngine): AutomaticRecovery {
  const { automaticRecovery: isEnabled, capacity } = options
  const deps = { toolkit, engine, capacity }
  return new AutomaticRecovery({
    toolkit,
    isEnabled,
    uid: ownUid(),
    accept: (caller, input, onAccepted) => recover({ ...deps, onAccepted }, caller, input),
  })
}

function adoptionOf({ options, folders }: AssemblyDeps, toolkit: Toolkit): Adoption {
  const { intervalMs, concurrency } = reconcilerOptions(options)
  return new Adoption(toolkit, { scratchDirectory: folders.scratch, intervalMs, concurrency })
}

function reconcilerOptions(options: DaemonOptions) {
  const { observeIntervalMs: intervalMs, maxConcurrentInspections: concurrency, staleAfterMs } = options
  return { intervalMs, concurrency, staleAfterMs }
}

type EngineListeners = Pick<ConstructorParameters<typeof OperationEngine>[0], 'onEnded' | 'onUnrecorded'>

function engineOf({ options }: AssemblyDeps, toolkit: RecoveryToolkit, listeners: EngineListeners): OperationEngine {
  const { store, clock, random, logger } = toolkit
  const starts = { maxAttempts: options.maxStartAttempts }
  return new OperationEngine({
    store,
    clock,
    random,
    logger,
    ...listeners,
    definitions: [
      ...environmentOperations(toolkit, starts),
      ...backupOperations(toolkit),
      ...restoreOperations(toolkit, { ...starts, limits: limitsOf(options) }),
    ],
    undoDeadlineMs: options.undoDeadlineMs,
    graceMs: options.letGoMs,
  })
}

interface Seen {
  readonly engine: OperationEngine
  readonly views: EnvironmentViews
}

function hubOf(
  { db, clock, random, logger, options }: AssemblyDeps,
  { engine, views, store, backups }: Seen & { readonly store: Store; readonly backups: BackupService },
): EventHub {
  return new EventHub({
    db,
    clock,
    logger,
    epoch: random.hex(8),
    heartbeatMs: options.heartbeatMs,
    ringSize: options.eventRingSize,
    state: {
      environment: (id) => views.find(id),
      environments: () => views.list(),
      operation: (id) => engine.get(id),
      operations: () => [
        ...engine.list({ isRunning: true, limit: RUNNING_OPERATIONS }),
        ...engine.list({ isRunning: false, limit: SNAPSHOT_OPERATIONS }),
      ],
      confirmedAt: () => views.lastPassAt,
      backup: (id) => backups.statusOf(id),
      backups: () => backups.statuses(),
      activityHead: () => store.activity.head(),
    },
  })
}

function environmentsOf(
  deps: AssemblyDeps,
  parts: Seen & { readonly toolkit: Toolkit; readonly tickets: Tickets },
): EnvironmentService {
  const { options, images } = deps
  const { capacity, hostName } = options
  return new EnvironmentService({
    ...parts,
    hostName,
    capacity,
    limits: limitsOf(options),
    isImageUsable: (image) => images.isUsable(image),
  })
}
