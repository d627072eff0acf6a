import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Startup } from '../../src-shared/model/startup.ts'

/** Written into the machine's folder when two guests were alive on one home. */
export const DISASTER_FILE = 'two-guests-on-one-home'

/** A guest of the fake driver. It is alive as long as it is kept here, whatever becomes of the daemon. */
export interface FakeGuest {
  readonly bootId: string
  readonly environmentId: string
  readonly homeId: string
  readonly pid: number
  readonly agent: 'answering' | 'silent'
  /** What it was told at its start, as it sees it; null where nothing was. */
  readonly startup: Startup | null
}

export interface FakeHome {
  readonly homeId: string
  readonly sizeMiB: number
  /** What a guest has left in it; nothing where nobody wrote anything. */
  readonly content?: string
  /** Everything else in it, by path below its root. */
  readonly files?: Readonly<Record<string, string>>
  /** Its making was interrupted. */
  readonly isHalfMade?: boolean
  /** Of the environment that last started with it. */
  readonly environmentId?: string
}

/** Things by id, in memory or, given a folder, one file each, so that another process sees the same ones. */
export class FakeShelf<T extends object> {
  private readonly folder: string | undefined
  private readonly items = new Map<string, T>()

  constructor(folder?: string) {
    this.folder = folder
    if (folder !== undefined) mkdirSync(folder, { recursive: true })
  }

  put(id: string, item: T): void {
    if (this.folder === undefined) this.items.set(id, item)
    else this.write(this.folder, id, item)
  }

  get(id: string): T | undefined {
    if (this.folder === undefined) return this.items.get(id)
    try {
      return JSON.parse(readFileSync(this.pathOf(id), 'utf8')) as T
    } catch {
      return undefined
    }
  }

  delete(id: string): void {
    if (this.folder === undefined) this.items.delete(id)
    else rmSync(this.pathOf(id), { force: true })
  }

  ids(): string[] {
    if (this.folder === undefined) return [...this.items.keys()]
    return readdirSync(this.folder).map((name) => name.replace(/\.json$/, ''))
  }

  /** Whole or not at all, whenever the process is killed. */
  private write(folder: string, id: string, item: T): void {
    const temporary = `${folder}.${id}.making`
    writeFileSync(temporary, JSON.stringify(item))
    renameSync(temporary, this.pathOf(id))
  }

  private pathOf(id: string): string {
    return join(this.folder ?? '', `${id}.json`)
  }
}

/** What outlives the daemon: guests and homes. Give the same one to the next daemon and it adopts them. */
export class FakeMachine {
  readonly guests: FakeShelf<FakeGuest>
  readonly homes: FakeShelf<FakeHome>
  /** Boots whose sockets and files are there, whether or not the guest is. */
  readonly files: FakeShelf<{ readonly bootId: string }>
  /** Boots whose home somebody has a view of, or had when his daemon died. */
  readonly views: FakeShelf<{ readonly bootId: string }>
  /** How many guests were ever alive on one home at the same time; more than 1 is a disaster. */
  mostGuestsPerHome = 0
  private readonly folder: string | undefined
  private lastPid = 1_000

  constructor(folder?: string) {
    this.folder = folder
    this.guests = new FakeShelf(folder === undefined ? undefined : join(folder, 'guests'))
    this.homes = new FakeShelf(folder === undefined ? undefined : join(folder, 'homes'))
    this.files = new FakeShelf(folder === undefined ? undefined : join(folder, 'files'))
    this.views = new FakeShelf(folder === undefined ? undefined : join(folder, 'views'))
  }

  boot(guest: Omit<FakeGuest, 'pid' | 'startup'> & Partial<Pick<FakeGuest, 'startup'>>): void {
    this.files.put(guest.bootId, { bootId: guest.bootId })
    this.guests.put(guest.bootId, { startup: null, ...guest, pid: (this.lastPid += 1) })
    const onSameHome = this.guests.ids().filter((id) => this.guests.get(id)?.homeId === guest.homeId)
    this.mostGuestsPerHome = Math.max(this.mostGuestsPerHome, onSameHome.length)
    // Whoever looks from another process sees it too.
    if (onSameHome.length > 1 && this.folder !== undefined) {
      writeFileSync(join(this.folder, DISASTER_FILE), onSameHome.join('\n'))
    }
  }

  /** The guest ends by itself; its files stay. */
  kill(bootId: string): void {
    this.guests.delete(bootId)
  }

  setAgent(bootId: string, agent: FakeGuest['agent']): void {
    const guest = this.guests.get(bootId)
    if (guest !== undefined) this.guests.put(bootId, { ...guest, agent })
  }
}
