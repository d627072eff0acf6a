import { page } from 'vitest/browser'
import type { HomeId, HostId } from '../../src-shared/model/ids.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { mountPilothouse } from './mount.ts'

export const HOST = 'host-00000001' as HostId
export const NAME = 'billing-worker'
export const RUN = 'host.restore.run'

interface Opening {
  /** What of the menu of the newest point. */
  readonly action?: 'restore' | 'drill' | 'clone' | 'restore-files' | 'browse' | null
  /** Instead of the page of the environment. */
  readonly path?: string
  readonly prepare?: ((fake: FakeApp) => void) | undefined
}

/** The page of an environment with its backups, and a dialog that one of its points has opened. */
export async function opened({ action = 'restore', path, prepare }: Opening = {}): Promise<FakeApp> {
  const fake = new FakeApp(sampleFleet(8))
  prepare?.(fake)
  const id = fake.environment(HOST, NAME)?.id ?? ''
  await mountPilothouse(fake, path ?? `/environments/${HOST}/${id}?pane=backups`)
  if (action === null) return fake
  await page.getByTestId('point-actions').first().click()
  await page.getByTestId(`point-${action}`).click()
  return fake
}

export const isThere = (testId: string): boolean => document.querySelector(`[data-testid="${testId}"]`) !== null

/** What was sent to this call, in order. */
export function runs(fake: FakeApp, path: string): Record<string, unknown>[] {
  return fake.calls.filter((call) => call.path === path).map(({ input }) => input as Record<string, unknown>)
}

export function point(fake: FakeApp, index: number): RecoveryPoint {
  const environment = fake.environment(HOST, NAME)
  const found = environment === undefined ? undefined : fake.backups.pointsOf(environment)[index]
  if (found === undefined) throw new Error(`The fake has no point ${index}.`)
  return found
}

export const choose = {
  all: (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-testid=point-choice]')],
  picked: (): Element | null => document.querySelector('[role=option][aria-selected=true]'),
}

/** A restore that did not end as it should left a home. */
export function reviewKept(fake: FakeApp): void {
  const environment = fake.environment(HOST, NAME)
  if (environment === undefined) return
  const homeId = 'home-00000000000000dd' as HomeId
  const kept = { homeId, keptAt: Date.now() - 26 * 3_600_000, bytes: 2 ** 31 }
  fake.backups.change(HOST, environment.id, { keptForReview: [kept] })
}

/** A restore four hours ago can still be undone. */
export function undoKept(fake: FakeApp): void {
  const environment = fake.environment(HOST, NAME)
  if (environment === undefined) return
  const times = { until: Date.now() + 20 * 3_600_000, restoredAt: Date.now() - 4 * 3_600_000 }
  fake.backups.change(HOST, environment.id, { undo: { homeId: environment.home.id, bytes: 2 ** 30, ...times } })
}
