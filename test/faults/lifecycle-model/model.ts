import type { ErrorCode } from '../../../src-shared/error.ts'

export interface ModelTicket {
  readonly id: string
  readonly kind: 'reset' | 'destroy'
  /** What the plan rests on, as one text. */
  readonly facts: string
  readonly needsName: boolean
  isUsed: boolean
}

type Power = 'start' | 'stop' | 'reboot' | 'recover'

/** What an environment is, as simply as it can be said. */
export class ModelEnvironment {
  generation = 1
  homeId: string
  isHomeThere = true
  isProtected = false
  /** Its guest runs and answers. */
  isUp = true
  desired: 'running' | 'stopped' = 'running'

  constructor(homeId: string) {
    this.homeId = homeId
  }

  facts(): string {
    return JSON.stringify([this.generation, this.homeId, this.desired])
  }

  /** Codes of which one must be the answer; none: it is accepted. */
  refusalsOf(kind: Power): ErrorCode[] {
    const codes: ErrorCode[] = []
    if (kind === 'reboot' && !this.isUp) codes.push('wrong_state')
    if ((kind === 'reboot' || kind === 'start') && !this.isHomeThere) codes.push('home_gone')
    return codes
  }

  startsGuest(kind: Power): boolean {
    if (this.refusalsOf(kind).length > 0) return false
    return kind === 'recover' ? this.isHomeThere : kind === 'start' && !this.isUp
  }

  /** Whether the operation succeeds; `isFailing`: no guest can be started now. */
  succeeds(kind: Power, isFailing: boolean): boolean {
    if (kind === 'stop') return true
    return this.isHomeThere && !isFailing
  }

  apply(kind: Power, isFailing: boolean): void {
    const isDone = this.succeeds(kind, isFailing)
    this.generation += 1
    this.desired = kind === 'stop' ? 'stopped' : 'running'
    if (kind === 'stop') this.isUp = false
    // A recover that finds the home gone leaves everything alone.
    else if (this.isHomeThere) this.isUp = isDone
  }

  reset(homeId: string): void {
    expectNew(this.homeId, homeId)
    Object.assign(this, { homeId, isHomeThere: true, isUp: true, desired: 'running', generation: this.generation + 1 })
  }
}

function expectNew(old: string, homeId: string): void {
  if (old === homeId) throw new Error('A reset has kept the old home')
}
