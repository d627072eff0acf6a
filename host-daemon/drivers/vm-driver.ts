import { FAILURE_MESSAGE_MOST } from '../../src-shared/error.ts'
import { shownWords } from '../../src-shared/lib/foreign-words.ts'
import type { DriverDescription } from '../../src-shared/model/daemon.ts'
import type { DriverKind, EnvironmentSize, FailureReason } from '../../src-shared/model/environment.ts'
import type { BootId, EnvironmentId, HomeId, ImageRef } from '../../src-shared/model/ids.ts'
import type { Startup } from '../../src-shared/model/startup.ts'

/** What a guest is to be started as. Every path and name derives from these ids. */
export interface BootSpec {
  readonly environmentId: EnvironmentId
  readonly bootId: BootId
  readonly homeId: HomeId
  readonly image: ImageRef
  readonly size: EnvironmentSize
  /** The guest's own uid and gid on the host; unique among environments. */
  readonly guestUid: number
  /**
   * What the guest is told, read-only; null where nothing is. Values are in it: no argv, no log, no record, and no file
   * that outlives the boot.
   */
  readonly startup: Startup | null
  /** A guest that is only tried out: it gets no network, whatever its image asks for. */
  readonly isIsolated?: boolean
}

/**
 * The means to find and stop one boot's guest, complete before anything of it exists, so that whoever reads it
 * after a crash can always end what was started. Stored as JSON by the caller, before `startGuest`.
 */
export interface BootRecord {
  readonly environmentId: EnvironmentId
  readonly bootId: BootId
  readonly homeId: HomeId
  /** Absolute path of the append-only console journal; its bytes never change place. It outlives the guest. */
  readonly journalPath: string
  /**
   * The driver's own handles (pid file, control sockets, …), meaningless to anyone else, but that each of them contains
   * the boot's id: a record that names anything else is malformed.
   */
  readonly handles: Readonly<Record<string, string>>
}

/** Identity of a guest's process; a pid alone is never evidence. */
export interface GuestProcess {
  readonly pid: number
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTicks: string
}

/** What is known of a guest. `gone` needs positive evidence; a question that failed is `unknown`. */
export type GuestEvidence =
  | {
      readonly kind: 'alive'
      readonly process: GuestProcess | null
      readonly agent: 'answering' | 'silent'
      /** Why the agent cannot answer, in one sentence, where the engine says so. */
      readonly detail?: string
    }
  | { readonly kind: 'gone'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string }

/** A home as the host has it. */
export interface SurveyedHome {
  readonly homeId: HomeId
  /** `half_made`: its making was interrupted, and no guest can have used it. `remains`: its removal was. */
  readonly state: 'whole' | 'half_made' | 'remains'
  /** On disk; null where it could not be told. */
  readonly bytes: number | null
  /** Of the environment that last started with it, by what stands beside the home; null where that says nothing. */
  readonly environmentId: EnvironmentId | null
}

/** A boot of which the host has something beside its journal and its home. */
export interface SurveyedBoot {
  readonly bootId: BootId
  /** Its guest; null: positively none. */
  readonly process: GuestProcess | null
  /** The home that the guest uses; null where that is unknown. */
  readonly homeId: HomeId | null
  /** Sockets, pid file and the like are there. */
  readonly hasFiles: boolean
  /** Good for `stopGuest`; of its ids, only the boot's means anything. */
  readonly record: BootRecord
}

/** Everything of a driver's own that the host has, whoever's it is. */
export interface HostSurvey {
  readonly homes: readonly SurveyedHome[]
  readonly boots: readonly SurveyedBoot[]
  /** What could not be looked at, a sentence each. */
  readonly problems: readonly string[]
}

/**
 * A home as it was at one moment, while its guest writes on. The image is a guest's: it is read in user space, under
 * its owner's uid or without rights, and never mounted by the host's kernel.
 */
export interface HomeView {
  /** A raw image to read, or what behaves like one; for this daemon alone, and until `close`. */
  readonly imagePath: string
  /**
   * `quiesced`: its file system was at rest at that moment, frozen or in nobody's use. `journal_replayed`: it was not,
   * and its journal has been replayed. `neither`: it is damaged beyond what a replay mends.
   */
  readonly consistency: HomeConsistency
  readonly isQuiesced: boolean
  /** How long the guest's writing was held, in milliseconds; null where it was not. */
  readonly frozenMs: number | null
  /** Resolves when nothing of the view is left; idempotent. Throws when something stays; `dropHomeViews` tries again. */
  close(): Promise<void>
}

export type HomeConsistency = 'quiesced' | 'journal_replayed' | 'neither'

export interface HomeViewOptions {
  /**
   * Absolute; made where it is absent, its parents searchable by others. Takes up to as much as the guest overwrites
   * while the view is open. Where it is full the view breaks, and reading it fails; the guest goes on.
   */
  readonly scratchDirectory: string
  readonly signal: AbortSignal
  /**
   * Whoever asks has no claim on the home: nothing may be written to it. A stopped guest's home that is not at rest is
   * refused with `wrong_state`, since its journal would be replayed in place.
   */
  readonly isUntouched?: boolean
}

/** Where a tree can be used by programs of ours, each started as `within` says. */
export interface HomeTree {
  /** The tree as the daemon itself sees it. */
  readonly path: string
  /** The same tree as a program of `within` sees it; the same for every home that is opened with the same folder. */
  readonly pathInside: string
  /**
   * Pure: what to start instead of `program`, so that it runs in the tree, as the same process, with the daemon's
   * rights. It must die with the daemon, since the tree stays open as long as it lives.
   */
  within(program: readonly string[]): [string, ...string[]]
}

/** A home that can be read as a tree; owners and modes are the home's own. */
export interface OpenHomeTree extends HomeTree {
  /** Resolves when nothing of it is left; idempotent; never rejects. */
  close(): Promise<void>
}

export interface HomeTreeOptions {
  /** Absolute; made where it is absent, and nothing is ever written to it. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** A program run in a guest through its agent. */
export interface GuestProgram {
  readonly file: string
  readonly args: readonly string[]
  /** From the start to the end, in milliseconds. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

/** What a program in a guest came to; whatever it says is the guest's word. */
export interface GuestProgramResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null
  /** At most 1 MiB each; the rest is cut off. */
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** A failed start, in the closed set of reasons, with one sentence of facts. */
export class DriverFailure extends Error {
  readonly reason: FailureReason

  constructor(reason: FailureReason, message: string, options: { cause?: unknown } = {}) {
    super(shownWords(message, FAILURE_MESSAGE_MOST), options)
    this.name = 'DriverFailure'
    this.reason = reason
  }
}

export interface StopDeadlines {
  /** How long the guest may take to power off by itself; 0 goes straight to force. */
  readonly graceMs: number
  /** How long the forced end may take, until the process is positively gone. */
  readonly forceMs: number
}

/** The guest's console input; output is the journal. Disposed with `close`. */
export interface ConsoleInput {
  /** Resolves when the engine has taken the bytes; in order; rejects when the guest is gone. Never drops silently. */
  write(bytes: Uint8Array): Promise<void>
  close(): void
}

/**
 * The one interface to an engine. Implementations keep no truth: everything they need is in the arguments and on
 * the host, so that a restarted daemon can go on with any guest.
 *
 * Every method honours its signal by rejecting with the signal's reason, leaving nothing behind that the record
 * does not name. None retries; the caller does. Failures of a start are `DriverFailure`.
 */
export interface VmDriver {
  readonly kind: DriverKind

  /** Accelerator (probed once, cached), capabilities, and why it cannot be used, if so. Never throws. */
  describe(signal?: AbortSignal): Promise<DriverDescription>

  /** Makes an empty home. Idempotent: a whole home of that id is kept as it is; a half-made one is replaced. */
  createHome(homeId: HomeId, sizeMiB: number, signal: AbortSignal): Promise<void>
  /**
   * Makes the home at least `sizeMiB` large, with everything in it; never smaller. Idempotent, also after a crash in the
   * middle of it. Never called for a home that a guest still uses. Rejects with `disk_failed` where there is no such home
   * or its file system is damaged; what is in it is left as it was then.
   */
  growHome(homeId: HomeId, sizeMiB: number, signal: AbortSignal): Promise<void>
  /** Removes a home. Idempotent. Never called for a home that a guest still uses. */
  destroyHome(homeId: HomeId): Promise<void>
  /** `absent` is positive evidence; throws when it cannot tell. `bytes` is what it takes on disk. */
  inspectHome(homeId: HomeId): Promise<{ kind: 'present'; bytes: number } | { kind: 'absent' }>

  /** Bytes that homes can still take on this host. */
  freeHomeBytes(): Promise<number>
  /**
   * Opens the home itself as a tree that `work` may write: a home that was just made and that no guest has had. When it
   * resolves, everything that was written is on the disk and nothing of the tree is open; when it rejects, nothing is
   * open either, and the home is good for nothing but `destroyHome`. What a dead daemon's children still hold open is
   * waited for first. Says nothing of the home being sound: see `verifyHome`.
   */
  fillHome<T>(homeId: HomeId, options: HomeTreeOptions, work: (tree: HomeTree) => Promise<T>): Promise<T>
  /**
   * Checks the whole file system of a home that no guest has had yet, and has `look` read its tree; changes nothing.
   * Rejects with `disk_failed` where anything at all is wrong.
   */
  verifyHome<T>(homeId: HomeId, options: HomeTreeOptions, look: (tree: HomeTree) => Promise<T>): Promise<T>

  /** Pure: names everything the boot will use, before any of it exists. */
  planBoot(spec: BootSpec): BootRecord
  /**
   * Starts the guest and resolves once the engine answers for it. The process is in a session of its own and
   * outlives the daemon. On any failure everything the record names but the journal is gone again when it rejects.
   */
  startGuest(spec: BootSpec, record: BootRecord, signal: AbortSignal): Promise<void>
  /**
   * Resolves when the guest's agent answers; rejects at once with `guest_exited` when the guest ends first, and
   * with `agent_timeout` after `deadlineMs`.
   */
  waitUntilReady(record: BootRecord, deadlineMs: number, signal: AbortSignal): Promise<void>
  /** Real evidence, now; bounded to a few seconds; never throws. */
  inspectGuest(record: BootRecord): Promise<GuestEvidence>
  /**
   * Ends the guest: gracefully, then by force. Resolves only when the process is positively gone and everything
   * the record names but the journal is removed; idempotent; throws when it could not be ended in time.
   */
  stopGuest(record: BootRecord, deadlines: StopDeadlines): Promise<'was_gone' | 'graceful' | 'forced'>
  /**
   * Looks at everything of its own on the host, by positive evidence; changes nothing. What it cannot look at is named
   * in `problems` and is no reason to reject.
   */
  survey(signal: AbortSignal): Promise<HostSurvey>
  /**
   * Opens a view of the home as it is now. A running guest is frozen for that moment where its agent can, and thawed at
   * once, whatever comes of it; by itself 10 s later where the daemon dies in between. A stopped guest's home is the
   * view, its journal replayed first where it was not at rest: the caller sees to it that no guest starts with it
   * meanwhile. One view per boot at a time; what a dead daemon left of one is dropped first. A guest that ends takes
   * its view with it: reading it fails from then on. Leaves nothing behind when it rejects.
   */
  openHomeView(record: BootRecord, options: HomeViewOptions): Promise<HomeView>
  /**
   * Thaws the guest and drops every view that this or a dead daemon has of its home; idempotent, nothing where there is
   * none or the guest is gone. Throws when something stays. For each living guest when a daemon adopts it.
   */
  dropHomeViews(record: BootRecord, options: HomeViewOptions): Promise<void>
  /** The view as a tree, read-only, in user space. Close it before the view. */
  openViewTree(view: HomeView, options: HomeTreeOptions): Promise<OpenHomeTree>
  /**
   * Runs a program in a guest that is ready. Rejects with `guest_gone` where the guest is gone, with
   * `deadline_exceeded` where it does not end in time (it may run on then), and with `engine_failed` where the agent
   * cannot run programs.
   */
  runInGuest(record: BootRecord, program: GuestProgram): Promise<GuestProgramResult>
  /** Opens the console's input; rejects when the guest is gone. */
  openConsoleInput(record: BootRecord): Promise<ConsoleInput>
}
