import { PilothouseError } from '../../src-shared/error.ts'
import { PROTOCOL_VERSION } from '../../src-shared/model/daemon.ts'
import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function helloHandler(base: Base, { describe }: Services) {
  return base.hello.handler(({ context, input }) => {
    if (input.protocol === PROTOCOL_VERSION) return describe(context, context.signal)
    const message = `The daemon speaks protocol ${PROTOCOL_VERSION}, the console ${input.protocol}.`
    throw new PilothouseError('protocol_mismatch', message, { details: { daemonProtocol: PROTOCOL_VERSION } })
  })
}
