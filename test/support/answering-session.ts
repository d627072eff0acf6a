import { callsOf } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { DaemonSession } from '../../src-main/shell/cli/ports.ts'
import type { DaemonCallName } from '../../src-main/shell/cli/spelling.ts'
import type { CliWorld } from './cli-run.ts'
import { ANSWERS } from './contract-samples.ts'

/** One call as it was asked for. */
export type Sent = [DaemonCallName, unknown]

/** What a call answers instead of its sample; for `events`, the events. */
export type Answers = { readonly [Name in DaemonCallName]?: (input: unknown) => unknown }

/** A world whose daemon is fake: it answers every call without any wire, with samples or as told, and records it. */
export function fakeDaemonWorld(sent: Sent[], answers: Answers = {}, more: CliWorld = {}): CliWorld {
  const session = { client: clientOf(sent, answers), dispose: () => undefined } as unknown as DaemonSession
  return { env: { PILOTHOUSE_SOCKET: '/x' }, openSession: () => Promise.resolve(session), ...more }
}

function clientOf(sent: Sent[], answers: Answers): object {
  const client = {}
  for (const { path } of callsOf(daemonContract)) {
    const name = path.join('.') as DaemonCallName
    placeOf(client, path.slice(0, -1))[path.at(-1) ?? ''] = (input: unknown) => {
      sent.push([name, input])
      const answer = answers[name]?.(input) ?? ANSWERS[name]
      return Promise.resolve(name === 'events' ? eachOf(answer as Iterable<unknown>) : answer)
    }
  }
  return client
}

function placeOf(root: Record<string, unknown>, path: readonly string[]): Record<string, unknown> {
  let node = root
  for (const key of path) node = (node[key] ??= {}) as Record<string, unknown>
  return node
}

async function* eachOf(items: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator {
  for await (const item of items) yield item
}
