import type { StoredEnvironment } from '../store/environment-row.ts'
import type { PlanFacts } from '../store/tickets-table.ts'

/** What a plan rests on. The guest's file contents always change and are not among it. */
export function factsOf(environment: StoredEnvironment): PlanFacts {
  const { name, owner, image, desired, generation, home } = environment
  return { name, owner, image, desired, generation, homeId: home.id }
}

/** What has changed between two looks, a phrase each. A fact that only one of them knows is a change. */
export function changesBetween(then: PlanFacts, now: PlanFacts): string[] {
  return Object.keys({ ...then, ...now })
    .filter((fact) => then[fact] !== now[fact])
    .map((fact) => `${fact} was ${then[fact] ?? 'nothing'} and is ${now[fact] ?? 'nothing'}`)
}
