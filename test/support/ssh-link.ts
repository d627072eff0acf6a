import { randomBytes } from 'node:crypto'
import { connectDaemon, type DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import { systemClock, systemRandom } from '../../src-main/lib/clock.ts'
import type { CallContext } from '../../src-shared/contract/client.ts'
import { hostTargetSchema } from '../../src-shared/model/host.ts'
import { claimedActorSchema, commandIdSchema, requestIdSchema, type CommandId } from '../../src-shared/model/ids.ts'
import type { TestHost } from './private-host.ts'

export const TEST_ACTOR = claimedActorSchema.parse('someone-else@elsewhere')

/** The context of one call, as a click would mint it. */
export function newContext(): { context: CallContext } {
  return {
    context: { requestId: requestIdSchema.parse(`req-${systemRandom.hex(8)}`), claimedActor: TEST_ACTOR },
  }
}

export function newCommandId(): CommandId {
  return commandIdSchema.parse(`cmd-${randomBytes(16).toString('hex')}`)
}

/** A real SSH connection to the test host's daemon as one of its logins. The caller disposes it. */
export function linkTo(host: TestHost, login: 'viewer' | 'operator' | 'admin'): Promise<DaemonLink> {
  return connectDaemon(hostTargetSchema.parse(host.targets[login]), {
    clock: systemClock,
    random: systemRandom,
    claimedActor: TEST_ACTOR,
    pinnedKey: { type: 'ssh-ed25519', fingerprint: host.fingerprint },
    environment: {
      home: '/nonexistent',
      user: login,
      agentSocket: null,
      configFiles: [],
      globalKnownHostsFiles: [],
      variables: {},
    },
  })
}
