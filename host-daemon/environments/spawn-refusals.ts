import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { Requester } from '../operations/requester.ts'
import type { SpawnInput } from './spawn-command.ts'
import type { Toolkit } from './toolkit.ts'

/** Refusals that say something about who asks for what; a mistyped field or a reused id does not. */
const RECORDED: readonly ErrorCode[] = [
  'owner_not_allowed',
  'owner_inactive',
  'owner_limit_reached',
  'host_limit_reached',
  'name_taken',
]

/** Records that a spawn was refused for its owner, a limit or its name. It belongs to no environment: none was made. */
export function recordSpawnRefusal({ store, clock }: Toolkit, caller: Requester, refused: Refused): void {
  const { error, input } = refused
  if (!(error instanceof PilothouseError) || !RECORDED.includes(error.code)) return
  const { code, message } = error
  const { actor, requestId } = caller
  const detail = { code, message, name: input.name, owner: input.owner }
  const about = { action: 'spawn', outcome: 'refused', operationId: null, environmentId: null, detail }
  store.db.transaction(() => store.activity.append({ ...about, actor, requestId, at: clock.now() }))
}

interface Refused {
  readonly error: unknown
  readonly input: SpawnInput
}
