import type { Clock } from '../../src-shared/lib/clock.ts'
import type { DaemonInfo } from '../../src-shared/model/daemon.ts'
import type { Image } from '../../src-shared/model/image.ts'
import type { ActivityService } from '../activity/activity-service.ts'
import type { BackupService } from '../backups/backup-service.ts'
import type { BootDirectory } from '../consoles/boot-directory.ts'
import type { DriftService } from '../drift/drift-service.ts'
import type { EnvironmentService } from '../environments/environment-service.ts'
import type { OwnerService } from '../environments/owner-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { RestoreService } from '../restores/restore-service.ts'
import type { Caller } from '../server/caller.ts'

/** What the calls are answered with. */
export interface Services {
  readonly environments: EnvironmentService
  readonly operations: OperationEngine
  readonly backups: BackupService
  readonly restores: RestoreService
  readonly owners: OwnerService
  readonly activity: ActivityService
  readonly drift: DriftService
  readonly events: EventHub
  readonly boots: BootDirectory
  readonly images: { list(): Promise<Image[]> }
  /** What the daemon says of itself to this caller. */
  readonly describe: (caller: Caller, signal: AbortSignal) => Promise<DaemonInfo>
  readonly clock: Clock
}
