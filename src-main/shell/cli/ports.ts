import type { ConsoleTarget } from '../../../src-shared/contract/console-stream.ts'
import type { Clock, RandomSource } from '../../../src-shared/lib/clock.ts'
import type { Disposable } from '../../../src-shared/lib/disposable.ts'
import type { MessageChannelLike } from '../../../src-shared/lib/message-channel.ts'
import type { HostKey, HostTarget } from '../../../src-shared/model/host.ts'
import type { ClaimedActor, HostName } from '../../../src-shared/model/ids.ts'
import type { ActivityHead } from '../../../src-shared/model/activity.ts'
import type { DaemonClient } from '../../fleet/daemon-link.ts'
import type { PinnedHead } from '../../store/pinned-heads.ts'

/** Which daemon a command is for: a host of the console's list, or a socket on this machine. */
export type DaemonTarget =
  { readonly kind: 'host'; readonly name: HostName } | { readonly kind: 'socket'; readonly path: string }

/** A connection to one daemon; it does not reconnect by itself. */
export interface DaemonSession extends Disposable {
  readonly client: DaemonClient
  /** Rejects with a PilothouseError. */
  openConsole(target: ConsoleTarget, signal?: AbortSignal): Promise<MessageChannelLike>
}

/** A host of the console's list, without any connection. */
export interface KnownHost {
  readonly name: HostName
  readonly target: HostTarget
  readonly pinnedKey: HostKey | null
}

/** The console's list of hosts, the one that the app's window shows too. */
export interface HostRoster {
  list(): readonly KnownHost[]
  /** Throws `name_taken`. */
  add(name: HostName, target: HostTarget): KnownHost
  /** Throws `not_found`. */
  remove(name: HostName): void
  /** The key that the host shows now; nothing else is done with the connection. */
  fetchKey(name: HostName, signal: AbortSignal): Promise<HostKey>
  /** Pins the key that the host shows now, if it is the one with this fingerprint. */
  acceptKey(name: HostName, fingerprint: string, signal: AbortSignal): Promise<KnownHost>
}

/** The ends of hosts' activity chains that this console has pinned. Both throw `not_found`. */
export interface HeadPins {
  /** Newest first. */
  list(host: HostName): readonly PinnedHead[]
  /** Pins what was told after `list` had answered with `before`. */
  pin(host: HostName, told: ActivityHead, before: readonly PinnedHead[]): void
}

/** Where a stream goes and whether a person sits at it. */
export interface CliIo {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Everything that the command line needs of the world. */
export interface CliDeps {
  readonly io: CliIo
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly clock: Clock
  readonly random: RandomSource
  readonly claimedActor: ClaimedActor
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal
  openSession(target: DaemonTarget, signal: AbortSignal): Promise<DaemonSession>
  openHostRoster(): HostRoster
  openHeadPins(): HeadPins
}
