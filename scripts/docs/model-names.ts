import { z } from 'zod'
import type { SchemaNames } from '../../src-shared/contract/describe.ts'
import * as errors from '../../src-shared/error.ts'
import * as activity from '../../src-shared/model/activity.ts'
import * as backups from '../../src-shared/model/backup.ts'
import * as consoles from '../../src-shared/model/console.ts'
import * as cursors from '../../src-shared/model/cursor.ts'
import * as daemon from '../../src-shared/model/daemon.ts'
import * as drift from '../../src-shared/model/drift.ts'
import * as environments from '../../src-shared/model/environment.ts'
import * as hosts from '../../src-shared/model/host.ts'
import * as ids from '../../src-shared/model/ids.ts'
import * as images from '../../src-shared/model/image.ts'
import * as labels from '../../src-shared/model/labels.ts'
import * as results from '../../src-shared/model/operation-result.ts'
import * as operations from '../../src-shared/model/operation.ts'
import * as owners from '../../src-shared/model/owner.ts'
import * as plans from '../../src-shared/model/plan.ts'
import * as points from '../../src-shared/model/recovery-point.ts'
import * as restores from '../../src-shared/model/restore.ts'
import * as roles from '../../src-shared/model/role.ts'
import * as startup from '../../src-shared/model/startup.ts'
import { daemonEventSchema } from '../../src-shared/contract/daemon.ts'
import { fleetEventSchema, hostStateSchema } from '../../src-shared/contract/app.ts'

const MODULES = [
  ...[ids, environments, labels, startup, operations, consoles, cursors, daemon, hosts, images, owners, plans, roles],
  ...[activity, backups, drift, errors, points, restores, results],
]
const EVENTS = { daemonEventSchema, fleetEventSchema, hostStateSchema }
const SUFFIX = 'Schema'

/** `environmentSchema` → `Environment`. */
function modelNameOf(exportName: string): string {
  const bare = exportName.slice(0, -SUFFIX.length)
  return bare.charAt(0).toUpperCase() + bare.slice(1)
}

function schemasIn(module: object): [string, z.ZodType][] {
  return Object.entries(module as Record<string, unknown>).filter(
    (entry): entry is [string, z.ZodType] => entry[0].endsWith(SUFFIX) && entry[1] instanceof z.ZodType,
  )
}

/** Every schema that the model exports, by the name that the reference gives it. */
export const MODELS: ReadonlyMap<string, z.ZodType> = new Map(
  [...MODULES, EVENTS]
    .flatMap(schemasIn)
    .map(([name, schema]) => [modelNameOf(name), schema] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1)),
)

/** The same for the describer: what has a name is referred to by it. */
export const MODEL_NAMES: SchemaNames = z.registry<{ readonly id: string }>()
for (const [id, schema] of MODELS) MODEL_NAMES.add(schema, { id })
