import { implement } from '@orpc/server'
import type { BridgeContext } from '../../src-main/bridge/context.ts'
import { appContract } from '../../src-shared/contract/app.ts'
import type { FakeApp } from './fake-app.ts'

/** The app contract to be answered; every call is noted, held and refused as the fake was told. */
export function fakeImplementer(fake: FakeApp) {
  return implement(appContract)
    .$context<BridgeContext>()
    .use(async ({ context, path, next }, input) => {
      const name = path.join('.')
      fake.calls.push({ path: name, input, requestId: context.requestId })
      await fake.holds.get(name)
      const refusal = fake.refusals.get(name)
      fake.refusals.delete(name)
      if (refusal !== undefined) throw refusal
      return next()
    })
}
export type FakeImplementer = ReturnType<typeof fakeImplementer>
