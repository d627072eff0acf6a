import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { isReady, recordReadiness } from './readiness.ts'
import type { Toolkit } from './toolkit.ts'
import type { EnvironmentViews } from './views.ts'

/**
 * Sees to it that nothing is shown as running on evidence older than its bound, whatever keeps the evidence away: a
 * question that fails, one that hangs, or a host with more guests than it can ask in time.
 */
export class StaleStates {
  private readonly toolkit: Toolkit
  private readonly views: EnvironmentViews
  private readonly staleAfterMs: number
  /** With when they were last seen, in real time. */
  private suspects = new Map<EnvironmentId, number>()

  constructor(toolkit: Toolkit, views: EnvironmentViews, staleAfterMs: number) {
    this.toolkit = toolkit
    this.views = views
    this.staleAfterMs = staleAfterMs
  }

  /** A guest is `unknown` at the second look without news in between: a daemon that slept itself may ask first. */
  look(): void {
    const { store } = this.toolkit
    const before = this.suspects
    this.suspects = new Map()
    for (const { environmentId: id } of store.boots.live()) {
      const environment = store.environments.find(id)
      if (environment?.observed.kind !== 'running' || !this.isStale(environment)) continue
      const { real } = this.views.lastLook(environment)
      if (before.get(id) === real) this.expire(environment, 'The guest could not be asked in time.')
      else this.suspects.set(id, real)
    }
  }

  isStale(environment: StoredEnvironment): boolean {
    return this.views.ageMs(environment) >= this.staleAfterMs
  }

  /** From now on the state is unknown; what was last seen keeps its age. */
  expire(environment: StoredEnvironment, detail: string): void {
    const { store, clock } = this.toolkit
    const unknown = { kind: 'unknown', since: clock.now(), detail } as const
    const observedAt = this.views.observedAt(environment)
    store.db.transaction(() => {
      store.environments.setObserved(environment.id, unknown, observedAt)
      if (isReady(environment)) recordReadiness(this.toolkit, environment, { to: 'lost', detail })
    })
  }
}
