import { z } from 'zod'
import { bootIdSchema, environmentIdSchema, homeIdSchema } from '../../src-shared/model/ids.ts'
import type { BootRecord } from '../drivers/vm-driver.ts'
import { JsonReader } from './findings.ts'

/** What the columns of a boot say of its record. */
interface RecordColumns {
  readonly id: string
  readonly environment_id: string
  readonly record: unknown
  readonly journal_path: string | null
}

const RECORD = new JsonReader<BootRecord>(
  z.object({
    environmentId: environmentIdSchema,
    bootId: bootIdSchema,
    homeId: homeIdSchema,
    journalPath: z.string().startsWith('/'),
    handles: z.record(z.string(), z.string()),
  }),
  'is not what a guest is stopped by',
)

/** The record of a boot, or why it cannot be relied on, to follow "the record of this environment is malformed". */
export function readRecord(columns: RecordColumns): { record: BootRecord; problem: null } | { problem: string } {
  if (!bootIdSchema.safeParse(columns.id).success)
    return { problem: 'the id of its boot must be boot- and 16 hex digits' }
  const { value: record, says } = RECORD.read(columns.record)
  if (says !== null) return { problem: `the record of its boot ${says}` }
  const isOwn = record.bootId === columns.id && record.environmentId === columns.environment_id
  if (!isOwn) return { problem: 'the record of its boot names another boot' }
  if (!Object.values(record.handles).every((handle) => isOf(handle, columns.id)))
    return { problem: 'the record of its boot names what is not that boot’s' }
  if (record.journalPath !== columns.journal_path) return { problem: 'its boot names two different console journals' }
  return { record, problem: null }
}

/** What a guest is stopped by is removed with it: it must be the boot's own, whatever the record says. */
function isOf(handle: string, bootId: string): boolean {
  return handle.includes(bootId) && !handle.split('/').includes('..')
}

/** Null where the record is good. */
export function recordProblem(columns: RecordColumns): string | null {
  return readRecord(columns).problem
}
