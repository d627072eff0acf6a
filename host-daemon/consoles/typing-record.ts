import type { NewActivity } from '../store/activity-table.ts'
import type { Logger } from '../system/logger.ts'
import type { TypingEvent } from './typing-leases.ts'

interface ActivityRecord {
  recordActivity(entry: Omit<NewActivity, 'at'>): void
}

/** Writes every change of hands of a keyboard to the record and to the log. */
export function typingRecorder(record: ActivityRecord, logger: Logger): (event: TypingEvent) => void {
  return ({ kind, bootId, environmentId, actor, requestId, from }) => {
    const detail = { bootId, from }
    record.recordActivity({
      action: 'console.typing',
      outcome: kind,
      environmentId,
      operationId: null,
      actor,
      requestId,
      detail,
    })
    logger.info(
      { kind, environmentId, bootId, user: actor.user, requestId, from: from?.user },
      'keyboard changed hands',
    )
  }
}
