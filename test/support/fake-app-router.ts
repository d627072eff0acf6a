import { hostIdOf } from '../../src-main/bridge/context.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { hostSchema, type Host, type HostConnection } from '../../src-shared/model/host.ts'
import type { HostId, TicketId } from '../../src-shared/model/ids.ts'
import { SAMPLE_KEY, connected } from './fake-app-samples.ts'
import { fakeImplementer } from './fake-app-implementer.ts'
import { fakeRecoveryCalls } from './fake-app-recovery-router.ts'
import { putFakeOwner } from './fake-app-owners.ts'
import type { FakeApp } from './fake-app.ts'

/** What the fake answers, call by call; the compiler refuses a call of the contract without its answer. */
export function fakeRouter(fake: FakeApp) {
  const app = fakeImplementer(fake)
  const { environments, operations } = app.host
  const hostOf = (hostId: HostId): Host => {
    const host = fake.hosts.get(hostId)
    if (host === undefined) throw new PilothouseError('not_found', 'There is no such host.')
    return host
  }
  const reconnect = (hostId: HostId, connection: HostConnection): Host => {
    hostOf(hostId)
    fake.setConnection(hostId, connection)
    return hostOf(hostId)
  }
  const { commands } = fake
  const change = (kind: 'start' | 'stop' | 'recover') =>
    environments[kind].handler(({ input, context }) => commands.order(kind, input, context))
  return {
    app: {
      info: app.app.info.handler(() => ({
        version: '0.1.0',
        shell: 'web' as const,
        claimedActor: 'you@desk-1',
        now: Date.now(),
      })),
    },
    hosts: {
      list: app.hosts.list.handler(() => [...fake.hosts.values()]),
      add: app.hosts.add.handler(({ input }) => {
        const taken = [...fake.hosts.values()].some((host) => host.name === input.name)
        if (taken) throw new PilothouseError('name_taken', `A host called ${input.name} is already here.`)
        const connection: HostConnection = { kind: 'awaiting_trust', since: Date.now(), key: SAMPLE_KEY }
        const host = hostSchema.parse({ id: `host-${fake.hex(8)}`, ...input, pinnedKey: null, connection })
        fake.emit({ type: 'host_changed', host })
        return host
      }),
      remove: app.hosts.remove.handler(({ input }) => {
        fake.emit({ type: 'host_removed', hostId: input.hostId })
        return {}
      }),
      connect: app.hosts.connect.handler(({ input }) => reconnect(input.hostId, connected())),
      disconnect: app.hosts.disconnect.handler(({ input }) =>
        reconnect(input.hostId, { kind: 'disconnected', since: Date.now() }),
      ),
      acceptKey: app.hosts.acceptKey.handler(({ input }) => reconnect(input.hostId, connected())),
    },
    activity: {
      heads: app.activity.heads.handler(({ input }) => [
        { head: fake.activity.head(input.hostId), seenAt: Date.now() },
      ]),
      verify: app.activity.verify.handler(({ input }) => fake.activity.verdict(input.hostId)),
    },
    fleet: { watch: app.fleet.watch.handler(({ signal }) => fake.watch(signal)) },
    host: {
      hello: app.host.hello.handler(({ context }) => {
        const { connection } = hostOf(hostIdOf(context))
        if (connection.kind !== 'connected') throw new PilothouseError('host_unreachable', 'Not connected.')
        return connection.daemon
      }),
      environments: {
        list: environments.list.handler(({ context }) => ({
          cursor: { epoch: 'epoch-1', seq: 0 },
          environments: fake.states.get(hostIdOf(context))?.environments ?? [],
        })),
        get: environments.get.handler(({ input, context }) => commands.found(context, input.environment)),
        spawn: environments.spawn.handler(({ input, context }) => {
          const hostId = hostIdOf(context)
          if (fake.environment(hostId, input.name) !== undefined) {
            throw new PilothouseError('name_taken', `There is already an environment called ${input.name}.`)
          }
          return fake.begin(hostId, fake.newEnvironment(input), {
            kind: 'spawn',
            commandId: input.commandId,
            requestId: context.requestId,
            phase: 'requested',
          })
        }),
        start: change('start'),
        stop: change('stop'),
        recover: change('recover'),
        reboot: environments.reboot.handler(({ input, context }) => commands.reboot(input, context)),
        resize: environments.resize.handler(({ input, context }) => commands.resize(input, context)),
        rename: environments.rename.handler(({ input, context }) => commands.rename(input, context)),
        setLabels: environments.setLabels.handler(({ input, context }) => commands.setLabels(input, context)),
        setProtection: environments.setProtection.handler(({ input, context }) => {
          const { id } = commands.found(context, input.environment)
          return fake.changeEnvironment(hostIdOf(context), id, { isProtected: input.isProtected })
        }),
        reset: {
          plan: environments.reset.plan.handler(({ input, context }) =>
            commands.plan('reset', input.environment, context),
          ),
          run: environments.reset.run.handler(({ input, context }) => commands.run('reset', input, context)),
        },
        destroy: {
          plan: environments.destroy.plan.handler(({ input, context }) =>
            commands.plan('destroy', input.environment, context),
          ),
          run: environments.destroy.run.handler(({ input, context }) => commands.run('destroy', input, context)),
        },
      },
      operations: {
        list: operations.list.handler(({ context }) => fake.states.get(hostIdOf(context))?.operations ?? []),
        get: operations.get.handler(({ input, context }) => fake.changeOperation(hostIdOf(context), input.id, {})),
        steps: operations.steps.handler(({ input }) => fake.activity.steps.get(input.id) ?? []),
        wait: operations.wait.handler(({ input, context }) => fake.changeOperation(hostIdOf(context), input.id, {})),
        cancel: operations.cancel.handler(({ input, context }) => {
          const status = { kind: 'cancelled' as const, endedAt: Date.now() }
          return fake.changeOperation(hostIdOf(context), input.id, { status })
        }),
      },
      ...fakeRecoveryCalls(app.host, fake),
      owners: {
        list: app.host.owners.list.handler(() => fake.owners),
        put: app.host.owners.put.handler(({ input }) => putFakeOwner(fake.owners, input)),
      },
      images: { list: app.host.images.list.handler(() => fake.images) },
      consoles: {
        boots: app.host.consoles.boots.handler(({ input, context }) => {
          const { id } = commands.found(context, input.environment)
          return (fake.consoles.get(id) ?? []).map((console) => console.boot()).reverse()
        }),
      },
      activity: {
        list: app.host.activity.list.handler(({ input, context }) => fake.activity.list(hostIdOf(context), input)),
        head: app.host.activity.head.handler(({ context }) => fake.activity.head(hostIdOf(context))),
      },
      drift: {
        list: app.host.drift.list.handler(() => fake.leftovers.report()),
        plan: app.host.drift.plan.handler(({ input }) => {
          const id = `tkt-${fake.hex(32)}` as TicketId
          return { plan: fake.leftovers.plan(input.items), ticket: { id, expiresAt: Date.now() + fake.ticketLivesMs } }
        }),
        run: app.host.drift.run.handler(() => fake.leftovers.run()),
      },
      // eslint-disable-next-line require-yield -- the renderer never asks for a single host's events
      events: app.host.events.handler(async function* () {
        await Promise.reject(new PilothouseError('internal', 'The fake follows whole fleets only.'))
      }),
    },
  }
}
